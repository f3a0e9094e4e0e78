from uuid import UUID

import msgspec
import pytest

from lb.catalogue import Collection
from lb.errors import BrokenMappingError, ForeignCollectionError, InstanceError
from lb.executor import Execution, Executor
from lb.instances import Instance
from lb.merging import pack
from lb.model import NOWHERE, Answer, CollectionState, Entry, Kind
from tests.unit.lb.stand_ins import DATABASE, OK, TENANT, a_fleet, a_tail, an_active, an_entry

COLLECTIONS = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections"
UUID_HERE = UUID(int=4)
MISSING = Answer(404, b'{"error":"NotFoundError"}')
TAKEN = Answer(409, b'{"error":"ChromaError"}')


def an_object(uuid: UUID) -> Answer:
    return Answer(200, b'{"id":"%s","name":"files","metadata":{"x":0.1}}' % str(uuid).encode())


class StandInServer:
    """In place of an instance: answers what is prepared for a request, and 200 to all others."""

    def __init__(self, **answers: Answer) -> None:
        self.instance = Instance("primary", "http://primary", lambda: 0.0)
        self.answers = answers
        self.writes: list[tuple[str, str, bytes]] = []

    async def write(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        self.writes.append((method, path, body))
        return self.answers.get(method, OK)

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        return self.answers[path.rsplit("/", 1)[-1] if "by-id" not in path else "by_id"]


class Bench:
    """An executor on one stand-in server, and the collection that it holds, or does not."""

    def __init__(self, server: StandInServer, *, is_mapped: bool = True) -> None:
        self.server = server
        self.resolved: list[bytes] = []
        self.executor = Executor(server, self._resolve)
        tail = a_tail(a_fleet("primary"))
        self.collection: Collection = an_active(tail, "files")
        tail.catalogue.map(self.collection, "primary", UUID_HERE if is_mapped else None)

    async def execute(self, entry: Entry, body: bytes, *, is_decided: bool = False) -> Execution:
        window = pack([entry], [body], 300)
        return await self.executor.execute(self.collection, window, is_decided=is_decided)

    async def _resolve(self, entry: Entry, body: bytes) -> bytes:
        assert not self.server.writes, "sent before it was durable"
        self.resolved.append(body)
        return body

    def entry(self, kind: Kind, outcome: Answer | None = None) -> Entry:
        entry = an_entry(5, kind, outcome)
        below = "" if kind is Kind.CREATE else "/files"
        is_of_documents = kind in (Kind.ADD, Kind.UPDATE, Kind.UPSERT, Kind.DELETE)
        entry.path = COLLECTIONS + below + (f"/{kind}" if is_of_documents else "")
        return entry


async def test_a_write_goes_to_the_uuid_of_the_instance_and_is_passed_on_byte_for_byte() -> None:
    bench = Bench(StandInServer())
    body = b'{ "ids" : ["a"], "embeddings":[[0.1,1e-7]] }'

    execution = await bench.execute(bench.entry(Kind.ADD), body)

    assert bench.server.writes == [("POST", f"{COLLECTIONS}/{UUID_HERE}/add", body)]
    assert (execution.answer, execution.uuid) == (OK, UUID_HERE)


async def test_a_refusal_speaks_of_the_id_that_the_client_knows() -> None:
    refusal = Answer(400, b"wrong: %s" % str(UUID_HERE).encode())
    bench = Bench(StandInServer(POST=refusal))

    execution = await bench.execute(bench.entry(Kind.ADD), b"{}")

    assert execution.answer == Answer(400, b"wrong: %s" % str(bench.collection.id).encode())


async def test_a_404_for_a_collection_that_must_be_there_accuses_the_instance() -> None:
    bench = Bench(StandInServer(POST=MISSING))

    with pytest.raises(BrokenMappingError, match="files"):
        await bench.execute(bench.entry(Kind.ADD), b"{}")


async def test_a_write_to_a_collection_that_is_not_there_is_refused_by_chroma() -> None:
    bench = Bench(StandInServer(POST=MISSING), is_mapped=False)

    bench.collection.move_to(CollectionState.DROPPING)
    execution = await bench.execute(bench.entry(Kind.ADD), b"{}")

    assert bench.server.writes[0][1] == f"{COLLECTIONS}/{NOWHERE}/add"
    assert execution.answer.status == 404


async def test_a_collection_that_clients_use_must_have_a_uuid() -> None:
    """Its mapping was lost: to refuse the write would be wrong, and to send it is impossible."""
    bench = Bench(StandInServer(POST=MISSING), is_mapped=False)

    with pytest.raises(BrokenMappingError, match="no UUID"):
        await bench.execute(bench.entry(Kind.ADD), b"{}")
    assert bench.server.writes == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"where":{"k":1},"limit":2}',
        b'{"where_document":{"$contains":"x"},"limit":2}',
        b'{"where":{"k":1}}',
        b'{"where":{"k":1},"ids":["a","b","c"]}',
    ],
)
async def test_a_delete_with_conditions_is_sent_as_one_by_ids_that_is_durable_first(
    body: bytes,
) -> None:
    bench = Bench(StandInServer(get=Answer(200, b'{"ids":["a","b"]}')))

    await bench.execute(bench.entry(Kind.DELETE), body)

    assert [msgspec.json.decode(sent) for _, _, sent in bench.server.writes] == [
        {"ids": ["a", "b"]}
    ]
    assert bench.resolved == [b'{"ids":["a","b"]}']


async def test_a_delete_with_conditions_waits_when_the_instance_cannot_list() -> None:
    bench = Bench(StandInServer(get=Answer(500, b"")))

    with pytest.raises(InstanceError, match="500"):
        await bench.execute(bench.entry(Kind.DELETE), b'{"where":{"k":1},"limit":2}')
    assert bench.server.writes == []


UPDATE = b'{ "ids" : ["a","b"], "embeddings":[[0.1],[1e-7]] }'


async def test_an_update_of_an_absent_document_is_made_harmless_and_durable_before_it_is_sent() -> (
    None
):
    bench = Bench(StandInServer(get=Answer(200, b'{"ids":["a"]}')))

    await bench.execute(bench.entry(Kind.UPDATE), UPDATE)

    ((_, _, sent),) = bench.server.writes
    assert bench.resolved == [sent]
    update = msgspec.json.decode(sent)
    assert update["ids"][0] == "a"
    assert update["ids"][1] != "b"
    assert update["embeddings"] == [[0.1], [1e-7]]


@pytest.mark.parametrize(
    ("listed", "is_decided"),
    [
        (Answer(200, b'{"ids":["b","a"]}'), False),
        (Answer(415, b"{}"), False),
        (Answer(200, b'{"ids":[]}'), True),
    ],
    ids=["all-exist", "refused", "decided-elsewhere"],
)
async def test_an_update_with_nothing_to_make_harmless_is_passed_on_byte_for_byte(
    listed: Answer, is_decided: bool
) -> None:
    bench = Bench(StandInServer(get=listed))

    await bench.execute(bench.entry(Kind.UPDATE), UPDATE, is_decided=is_decided)

    assert [sent for _, _, sent in bench.server.writes] == [UPDATE]
    assert bench.resolved == []


async def test_where_an_update_cannot_be_read_is_said_of_the_body_that_the_client_sent() -> None:
    bench = Bench(StandInServer(get=Answer(200, b'{"ids":[]}'), POST=Answer(422, b"column 40")))

    await bench.execute(bench.entry(Kind.UPDATE), UPDATE)

    assert [sent for _, _, sent in bench.server.writes] == [*bench.resolved, UPDATE]


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_update_waits_when_the_instance_cannot_say_what_exists(status: int) -> None:
    bench = Bench(StandInServer(get=Answer(status, b"")))

    with pytest.raises(InstanceError, match=str(status)):
        await bench.execute(bench.entry(Kind.UPDATE), UPDATE)
    assert bench.server.writes == []


async def test_a_delete_without_conditions_is_passed_on_byte_for_byte() -> None:
    bench = Bench(StandInServer())
    body = b'{ "ids" : ["a"] }'

    await bench.execute(bench.entry(Kind.DELETE), body)

    assert [sent for _, _, sent in bench.server.writes] == [body]


@pytest.mark.parametrize(("limit", "is_by_ids"), [(b"", False), (b',"limit":9', True)])
async def test_a_delete_of_very_many_is_sent_by_ids_only_where_it_must_be(
    monkeypatch: pytest.MonkeyPatch, limit: bytes, is_by_ids: bool
) -> None:
    monkeypatch.setattr("lb.executor.MOST_RESOLVED_BYTES", 10)
    bench = Bench(StandInServer(get=Answer(200, b'{"ids":["a","b"]}')))
    body = b'{"where":{"k":1}' + limit + b"}"

    await bench.execute(bench.entry(Kind.DELETE), body)

    by_ids = b'{"ids":["a","b"]}'
    assert [sent for _, _, sent in bench.server.writes] == [by_ids if is_by_ids else body]
    assert bench.resolved == ([by_ids] if is_by_ids else [])


async def test_a_logged_body_that_cannot_be_read_has_an_answer_and_ends_nothing() -> None:
    """An exception that is not an `InstanceError` would end the process at every start."""
    bench = Bench(StandInServer(POST=Answer(400, b"{}")))
    deep = b"[" * 5000 + b"]" * 5000

    execution = await bench.execute(
        bench.entry(Kind.DELETE), b'{"ids":["a"],"unknown":' + deep + b"}"
    )

    assert execution.answer.status == 400


async def test_a_create_answers_with_the_stable_id_and_tells_the_uuid() -> None:
    bench = Bench(StandInServer(POST=an_object(UUID_HERE)), is_mapped=False)

    execution = await bench.execute(
        bench.entry(Kind.CREATE), b'{"name":"files","get_or_create":true}'
    )

    assert execution.uuid == UUID_HERE
    assert msgspec.json.decode(execution.answer.body)["id"] == str(bench.collection.id)
    assert msgspec.json.decode(bench.server.writes[0][2])["get_or_create"] is False


async def test_an_answer_that_is_not_of_chroma_is_not_definite() -> None:
    bench = Bench(StandInServer(POST=Answer(200, b"<html>")), is_mapped=False)

    with pytest.raises(InstanceError, match="not Chroma's"):
        await bench.execute(bench.entry(Kind.CREATE), b'{"name":"files"}')


@pytest.mark.parametrize(
    ("is_decided", "is_in_doubt", "documents", "status"),
    [
        (False, False, b"0", 409),
        (False, True, b"0", 200),
        (True, False, b"0", 200),
        (False, True, b"7", 409),
        (True, False, b"7", None),
    ],
)
async def test_a_taken_name_is_ours_only_when_we_may_have_made_it_and_it_is_empty(
    is_decided: bool, is_in_doubt: bool, documents: bytes, status: int | None
) -> None:
    server = StandInServer(POST=TAKEN, files=an_object(UUID_HERE), count=Answer(200, documents))
    bench = Bench(server, is_mapped=False)
    entry = bench.entry(Kind.CREATE, OK if is_decided else None)
    if is_in_doubt:
        entry.in_doubt.add("primary")

    if status is None:
        with pytest.raises(ForeignCollectionError, match="7 documents"):
            await bench.execute(entry, b'{"name":"files"}')
    else:
        execution = await bench.execute(entry, b'{"name":"files"}')
        assert execution.answer.status == status
        assert execution.uuid == (UUID_HERE if status == 200 else None)


@pytest.mark.parametrize(
    ("found", "deleted"),
    [
        (Answer(200, b'{"id":"%s","name":"renamed"}' % str(UUID_HERE).encode()), "renamed"),
        (MISSING, None),
    ],
)
async def test_a_drop_removes_what_bears_its_uuid_by_the_name_that_it_has_there(
    found: Answer, deleted: str | None
) -> None:
    bench = Bench(StandInServer(by_id=found))

    execution = await bench.execute(bench.entry(Kind.DROP), b"")

    expected = [("DELETE", f"{COLLECTIONS}/{deleted}", b"")] if deleted else []
    assert bench.server.writes == expected
    assert (execution.answer.status, execution.uuid) == (200, None)


async def test_a_drop_of_what_an_instance_never_had_is_a_404() -> None:
    bench = Bench(StandInServer(), is_mapped=False)

    execution = await bench.execute(bench.entry(Kind.DROP), b"")

    assert execution.answer.status == 404
    assert bench.server.writes == []


async def test_an_entry_whose_path_is_strange_fails_and_ends_nothing() -> None:
    """What is in the log is sent again after every restart: an escaping error would never end."""
    bench = Bench(StandInServer())
    entry = bench.entry(Kind.ADD)
    entry.path = f"{COLLECTIONS}/files/no-such-operation"

    with pytest.raises(InstanceError, match="no-such-operation"):
        await bench.execute(entry, b"{}")

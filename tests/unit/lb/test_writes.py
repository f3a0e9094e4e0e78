import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest

from lb.acknowledgement import Acknowledgement
from lb.ailments import Ailments
from lb.catalogue import Collection
from lb.errors import (
    BadRequestError,
    ConflictError,
    InDoubtError,
    LogUnavailableError,
    NotFoundError,
    ProtectedCollectionError,
    TransactionReusedError,
)
from lb.log_reader import LoggedTransaction
from lb.lookups import NOTHING_THERE, Lookups
from lb.model import Answer, Entry, Kind
from lb.paths import parse_target
from lb.write_request import WriteRequest
from lb.writes import Writes
from tests.unit.lb.stand_ins import (
    DATABASE,
    OK,
    REFUSED,
    TENANT,
    HeldLog,
    StandInReads,
    a_fleet,
    a_tail,
    an_active,
    name,
    until,
)

COLLECTIONS = f"/api/v2/tenants/{TENANT}/databases/{DATABASE}/collections"

NO_FAULT = Answer(400, NOTHING_THERE[0])
"""What Chroma says of a body without a fault that is sent nowhere."""


@dataclass
class StandInReader:
    """In place of PostgreSQL: knows at most one earlier transaction."""

    logged: LoggedTransaction | None = None

    async def find_transaction(self, transaction_id: str) -> LoggedTransaction | None:
        return self.logged


class Bench:
    """Writes over a log that the test commits or refuses."""

    def __init__(self, timeout_seconds: float = 5.0) -> None:
        self.tail = a_tail(a_fleet("primary", "replica"))
        self.log, self.reads, self.reader = HeldLog(), StandInReads(), StandInReader()
        self.lookups = Lookups(self.tail, self.reads, Ailments(lambda: 0.0))
        self.writes = Writes(
            self.tail,
            self.log,
            self.reader,
            self.lookups,
            Acknowledgement(self.tail, of_all=False),
            timeout_seconds,
            frozenset({"global"}),
        )

    def start(
        self, method: str, below: str, body: bytes = b"{}", transaction_id: str | None = None
    ) -> "asyncio.Task[Answer]":
        target = parse_target(method, COLLECTIONS + below)
        request = WriteRequest(target, body, "application/json", transaction_id)
        return asyncio.create_task(self.writes.write(request))

    async def held(self, count: int = 1) -> None:
        await until(lambda: len(self.log.held) == count, f"{count} entries submitted")

    def commit(self, answer: Answer) -> None:
        """Commit what is held, and settle it as if an instance had answered."""
        for entry in self.log.commit():
            self.settle(entry, answer)

    def settle(self, entry: Entry, answer: Answer) -> None:
        collection = self.tail.catalogue.get(entry.lane_id)
        assert collection is not None
        self.tail.settle(collection, entry, answer)

    def named(self, text: str) -> Collection | None:
        return self.tail.catalogue.by_name(name(text))


async def test_a_write_is_answered_with_its_outcome() -> None:
    bench = Bench()
    collection = an_active(bench.tail, "files")
    writing = bench.start("POST", f"/{collection.id}/add", b'{"ids":["a"]}')
    await bench.held()
    assert bench.log.held[0].entry.lane_id == collection.id
    assert bench.log.held[0].entry.body == b'{"ids":["a"]}'

    bench.commit(Answer(201, b"{}"))

    assert await writing == Answer(201, b"{}")


async def test_a_write_that_the_log_refuses_has_no_effect() -> None:
    bench = Bench()
    an_active(bench.tail, "files")
    writing = bench.start("POST", "/files/add")
    await bench.held()

    bench.log.refuse()

    with pytest.raises(LogUnavailableError, match="no effect"):
        await writing
    assert len(bench.tail) == 0


async def test_a_write_without_an_outcome_in_time_is_in_doubt() -> None:
    bench = Bench(timeout_seconds=0.02)
    an_active(bench.tail, "files")

    with pytest.raises(InDoubtError, match="same Transaction-ID"):
        await bench.start("POST", "/files/add")
    (entry,) = bench.log.commit()
    assert entry.told_to_wait


async def test_an_outcome_that_comes_as_the_time_ends_is_answered_and_is_no_recovery() -> None:
    bench = Bench(timeout_seconds=0.3)
    an_active(bench.tail, "files")
    writing = bench.start("POST", "/files/add")
    await bench.held()
    loop = asyncio.get_running_loop()
    late = loop.time() + 0.3
    while loop.time() < late:  # The loop is busy until after the end, so both come in one turn.
        pass
    (entry,) = bench.log.commit()
    loop.call_soon(lambda: bench.settle(entry, OK))

    assert await writing == OK
    assert not entry.told_to_wait


@pytest.mark.parametrize("answer", [OK, REFUSED])
async def test_a_name_is_held_by_a_create_until_its_outcome(answer: Answer) -> None:
    bench = Bench()
    bench.reads.nowhere = NO_FAULT
    first = bench.start("POST", "", b'{"name":"files"}')
    second = bench.start("POST", "", b'{"name":"files"}')
    await bench.held(1)
    await asyncio.sleep(0)
    assert len(bench.log.held) == 1

    bench.commit(answer)

    assert await first == answer
    if answer.is_success:
        with pytest.raises(ConflictError, match=r"\[files\] already exists"):
            await second
    else:
        await bench.held(1)
        bench.commit(OK)
        assert await second == OK
    assert bench.named("files") is not None


async def test_get_or_create_of_what_exists_reads_it_and_logs_nothing() -> None:
    bench = Bench()
    bench.reads.nowhere = NO_FAULT
    collection = an_active(bench.tail, "files")
    bench.reads.answer = Answer(200, b'{"id":"%s","name":"files"}' % str(UUID(int=1)).encode())

    answer = await bench.start("POST", "", b'{"name":"files","get_or_create":true}')

    assert str(collection.id).encode() in answer.body
    assert bench.log.held == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b'{"name":1}'])
async def test_a_malformed_create_is_refused_by_chroma_and_not_logged(body: bytes) -> None:
    bench = Bench()

    assert await bench.start("POST", "", body) == REFUSED
    assert len(bench.reads.asked) == 1
    assert bench.log.held == []


async def test_a_name_that_postgres_cannot_hold_is_refused_by_chroma_and_not_logged() -> None:
    """A NUL makes the whole commit fail, with the writes of everybody else in it."""
    bench = Bench(timeout_seconds=2.0)

    try:
        answer = await bench.start("POST", "", b'{"name":"abc\\u0000d"}')
    except InDoubtError:
        answer = None

    assert bench.log.held == []
    assert answer == REFUSED


async def test_a_write_to_an_unknown_collection_is_refused_by_chroma_and_not_logged() -> None:
    bench = Bench()

    assert await bench.start("POST", f"/{UUID(int=5)}/add") == REFUSED
    with pytest.raises(NotFoundError):
        await bench.start("DELETE", "/unknown")
    assert bench.log.held == []


async def test_a_drop_frees_the_name_for_a_create_that_is_ordered_after_it() -> None:
    bench = Bench()
    old = an_active(bench.tail, "files")
    dropping = bench.start("DELETE", "/files")
    await bench.held(1)
    drop = bench.log.held[0].entry
    creating = bench.start("POST", "", b'{"name":"files"}')
    bench.commit(OK)
    await bench.held(1)
    create = bench.log.held[0].entry

    assert create.lane_id != old.id
    assert create.after is not None
    assert (create.after.lane_id, create.after.position) == (old.id, drop.position)
    bench.commit(OK)
    assert [await dropping, await creating] == [OK, OK]


async def test_a_drop_is_not_seen_before_the_log_has_it_and_never_if_it_is_refused() -> None:
    bench = Bench()
    bench.reads.nowhere = NO_FAULT
    old = an_active(bench.tail, "files")
    dropping = bench.start("DELETE", "/files")
    await bench.held(1)
    assert bench.named("files") is old
    assert bench.tail.catalogue.active_in(TENANT, DATABASE) == [old]
    creating = bench.start("POST", "", b'{"name":"files"}')

    bench.log.refuse()

    with pytest.raises(LogUnavailableError):
        await dropping
    with pytest.raises(ConflictError):
        await creating
    assert bench.named("files") is old
    assert old.changing is None


async def test_a_second_drop_that_the_log_refuses_leaves_the_name_to_its_new_owner() -> None:
    """The old collection is still addressed by its id, because an instance has not dropped it."""
    bench = Bench()
    old = an_active(bench.tail, "files")
    for method, below, body in (("DELETE", "/files", b""), ("POST", "", b'{"name":"files"}')):
        task = bench.start(method, below, body)
        await bench.held(1)
        bench.commit(OK)
        await task
    new = bench.named("files")
    again = bench.start("DELETE", f"/{old.id}")
    await bench.held(1)

    bench.log.refuse()

    with pytest.raises(LogUnavailableError):
        await again
    assert bench.named("files") is new


@pytest.mark.parametrize(("answer", "final"), [(OK, "new"), (REFUSED, "old"), (None, "old")])
async def test_a_rename_changes_the_name_only_when_it_took_effect(
    answer: Answer | None, final: str
) -> None:
    bench = Bench()
    bench.reads.nowhere = NO_FAULT
    collection = an_active(bench.tail, "old")
    renaming = bench.start("PUT", f"/{collection.id}", b'{"new_name":"new"}')
    await bench.held(1)
    taking = bench.start("POST", "", b'{"name":"new"}')

    if answer is None:
        bench.log.refuse()
        with pytest.raises(LogUnavailableError):
            await renaming
    else:
        bench.commit(answer)
        assert await renaming == answer

    assert collection.name == name(final)
    assert bench.named(final) is collection
    if final == "new":
        with pytest.raises(ConflictError):
            await taking
    else:
        await bench.held(1)
        bench.commit(OK)
        assert await taking == OK


async def test_a_protected_collection_cannot_be_dropped_or_renamed_by_any_address() -> None:
    bench = Bench()
    collection = an_active(bench.tail, "global")
    uuid = next(iter(collection.uuids.values()))

    for reference in ("global", collection.id, uuid):
        with pytest.raises(ProtectedCollectionError, match="deleted"):
            await bench.start("DELETE", f"/{reference}")
        with pytest.raises(ProtectedCollectionError, match="renamed"):
            await bench.start("PUT", f"/{reference}", b'{"new_name":"mine"}')
    assert bench.log.held == []


async def test_without_the_log_nothing_is_assumed() -> None:
    bench = Bench()
    collection = an_active(bench.tail, "files")
    bench.log.is_available = False
    refused = [
        bench.start("POST", "", b'{"name":"new"}'),
        bench.start("DELETE", "/files"),
        bench.start("PUT", "/files", b'{"new_name":"new"}'),
    ]

    for task in refused:
        with pytest.raises(LogUnavailableError):
            await task

    assert list(bench.tail.catalogue) == [collection]
    assert bench.named("new") is None
    assert collection.changing is None


async def test_a_repeated_transaction_waits_for_the_one_that_is_under_way() -> None:
    bench = Bench()
    an_active(bench.tail, "files")
    first = bench.start("POST", "/files/add", b"{}", "mine")
    await bench.held(1)
    second = bench.start("POST", "/files/add", b"{}", "mine")
    with pytest.raises(TransactionReusedError):
        await bench.start("POST", "/files/add", b'{"ids":[]}', "mine")

    bench.commit(OK)

    assert [await first, await second] == [OK, OK]


async def test_a_repeated_transaction_gets_the_outcome_that_the_log_remembers() -> None:
    bench = Bench()
    an_active(bench.tail, "files")
    target = parse_target("POST", f"{COLLECTIONS}/files/add")
    same = WriteRequest(target, b"{}", "application/json", "mine")
    bench.reader.logged = LoggedTransaction(3, same.fingerprint, REFUSED)

    assert await bench.writes.write(same) == REFUSED
    with pytest.raises(TransactionReusedError):
        await bench.start("POST", "/files/delete", b"{}", "mine")
    assert bench.log.held == []


def test_requests_that_differ_in_anything_have_different_fingerprints() -> None:
    def fingerprint(method: str, below: str, body: bytes, content_type: str) -> bytes:
        return WriteRequest(
            parse_target(method, COLLECTIONS + below), body, content_type
        ).fingerprint

    requests = [
        ("POST", "/a/add", b"{}", "application/json"),
        ("POST", "/a/upsert", b"{}", "application/json"),
        ("POST", "/b/add", b"{}", "application/json"),
        ("POST", "/a/add", b"[]", "application/json"),
        ("POST", "/a/add", b"{}", "text/plain"),
        ("DELETE", "/a", b"{}", "application/json"),
    ]

    assert len({fingerprint(*request) for request in requests}) == len(requests)
    assert fingerprint(*requests[0]) == fingerprint(*requests[0])


async def test_an_entry_names_its_collection_however_the_client_did() -> None:
    bench = Bench()
    collection = an_active(bench.tail, "files")
    uuid = next(iter(collection.uuids.values()))

    for count, reference in enumerate(("files", collection.id, uuid), start=1):
        bench.start("POST", f"/{reference}/add").add_done_callback(lambda task: task.exception())
        await bench.held(count)

    assert {held.entry.lane_id for held in bench.log.held} == {collection.id}
    assert {held.entry.path for held in bench.log.held} == {f"{COLLECTIONS}/files/add"}
    assert {held.entry.kind for held in bench.log.held} == {Kind.ADD}
    bench.commit(OK)


DEEP = b"[" * 3000 + b"]" * 3000
POISON = b'"ids":["a"],"embeddings":[[1.0]],"metadatas":[{"chroma:document":5}]'


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("POST", "/add", b'{"unknown":' + DEEP + b"," + POISON + b"}"),
        ("POST", "/add", b'{"unknown":"\\ud800",' + POISON + b"}"),
        ("POST", "/add", b'[["a"],[[1.0]],null,null,[{"chroma:document":5}]]'),
        ("PUT", "", b'{"unknown":"\\ud800","new_name":"other"}'),
    ],
)
async def test_what_chroma_reads_and_we_cannot_is_refused_and_not_logged(
    method: str, below: str, body: bytes
) -> None:
    """It could hold what breaks a server, or rename a collection behind the catalogue's back."""
    bench = Bench()
    bench.reads.nowhere = Answer(404, NOTHING_THERE[1])
    collection = an_active(bench.tail, "files")
    writing = bench.start(method, f"/{collection.id}{below}", body)

    await until(lambda: writing.done() or bench.log.held, "a decision")

    assert bench.log.held == []
    with pytest.raises(BadRequestError, match="plain JSON object"):
        await writing


async def test_a_body_that_chroma_refuses_as_well_is_refused_in_its_words() -> None:
    bench = Bench()
    bench.reads.nowhere = Answer(400, b"Failed to parse the request body as JSON")
    collection = an_active(bench.tail, "files")

    answer = await bench.start("POST", f"/{collection.id}/add", b"nonsense")

    assert answer == bench.reads.nowhere
    assert bench.log.held == []

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import msgspec
import pytest

from harness.client.addresses import Addresses
from harness.client.recording import ClientContext, RecordingClient
from harness.errors import ProtectedCollectionError
from harness.model.history import Header, HistoryWriter, Limits, read_history
from harness.model.observation import Repeat
from harness.model.operation import Addressing, Completion, Invocation, Kind, Operation
from tests.unit.client.scripted_server import answer, serving

COLLECTION = "AUTOTEST_1"
ADD = Invocation(
    kind=Kind.ADD,
    addressing=Addressing.IDS,
    collection=COLLECTION,
    ids=("f/0",),
    tokens=("f/0@w",),
)
GET = Invocation(kind=Kind.GET, addressing=Addressing.WHERE, collection=COLLECTION, file="f")
CREATE = Invocation(kind=Kind.CREATE, addressing=Addressing.NAME, collection=COLLECTION)

MakeClient = Callable[..., RecordingClient]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[HistoryWriter]:
    header = Header(scenario="test", seed=1, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    with HistoryWriter(tmp_path / "history.jsonl", header) as log:
        yield log


@pytest.fixture
def make_client(log: HistoryWriter) -> MakeClient:
    clock, transactions = count(100, 10), count(1)

    def make(url: str, timeout_seconds: float = 5.0, **more: object) -> RecordingClient:
        context = ClientContext(
            lb_url=url,
            log=log,
            addresses=Addresses({COLLECTION: "uuid"}),
            phase_at=lambda moment_ns: "early" if moment_ns < 100 else "late",
            clock=lambda: next(clock),
            new_transaction_id=lambda: f"transaction-{next(transactions)}",
            timeout_seconds=timeout_seconds,
            **more,
        )
        return RecordingClient("client-1", context)

    return make


async def perform(
    make_client: MakeClient, scripted: bytes | None, invocation: Invocation = ADD
) -> tuple[Operation, bytes]:
    # A busy machine needs time to connect; only who gets no answer has to wait for the end of it.
    timeout_seconds = 1.0 if scripted is None else 10.0
    async with serving(scripted) as server, make_client(server.url, timeout_seconds) as client:
        return await client.perform(invocation, 50), server.requests[0]


async def test_a_success_is_recorded_with_its_times_and_the_phase_of_its_intended_start(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    operation, _ = await perform(make_client, answer(201, b"{}"))
    assert log.history.operations == [operation]
    assert (operation.intended_ns, operation.invoked_ns, operation.completed_ns) == (50, 100, 110)
    assert (operation.name, operation.phase, operation.http_status) == ("client-1#1", "early", 201)
    assert operation.completion is Completion.OK


async def test_every_write_carries_a_transaction_id_of_its_own(make_client: MakeClient) -> None:
    first, head = await perform(make_client, answer(201, b"{}"))
    second, _ = await perform(make_client, answer(201, b"{}"))
    assert b"transaction-id: transaction-1\r\n" in head.lower()
    assert (first.transaction_id, second.transaction_id) == ("transaction-1", "transaction-2")


async def test_a_read_carries_none(make_client: MakeClient) -> None:
    body = b'{"ids":["f/0"],"metadatas":[{"token":"f/0@w"}]}'
    operation, head = await perform(make_client, answer(200, body), GET)
    assert b"transaction-id" not in head.lower()
    assert operation.observed == ("f/0@w",)


@pytest.mark.parametrize(
    ("scripted", "completion", "status"),
    [
        pytest.param(answer(400, b"bad"), Completion.FAIL, 400, id="refused"),
        pytest.param(answer(503, b"later"), Completion.INFO, 503, id="unavailable"),
        pytest.param(None, Completion.INFO, 0, id="time-out after sending"),
        pytest.param(b"", Completion.INFO, 0, id="reset after sending"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Completion.INFO, 0, id="torn"
        ),
    ],
)
async def test_what_did_not_succeed_is_recorded_as_what_it_is(
    make_client: MakeClient,
    log: HistoryWriter,
    scripted: bytes | None,
    completion: Completion,
    status: int,
) -> None:
    operation, _ = await perform(make_client, scripted)
    assert log.history.operations == [operation]
    assert (operation.completion, operation.http_status) == (completion, status)
    assert operation.error


async def test_a_refused_connection_is_a_definite_failure(make_client: MakeClient) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with make_client(url) as client:
            operation = await client.perform(ADD, 50)
    assert operation.completion is Completion.FAIL


async def test_a_read_answered_with_nonsense_is_no_success(make_client: MakeClient) -> None:
    operation, _ = await perform(make_client, answer(200, b"<html>"), GET)
    assert operation.completion is Completion.INFO
    assert operation.error.startswith("unreadable answer")


async def test_a_created_collection_is_addressed_by_the_id_that_the_server_gave(
    make_client: MakeClient,
) -> None:
    body = b'{"id":"given","name":"AUTOTEST_1"}'
    await perform(make_client, answer(200, body), CREATE)
    _, head = await perform(make_client, answer(201, b"{}"))
    assert head.startswith(b"POST /api/v2/tenants/default_tenant/databases/default_database")


async def test_a_cancelled_call_is_one_operation_in_doubt(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    async with serving(None) as server, make_client(server.url) as client:
        task = asyncio.create_task(client.perform(ADD, 50), name="cancelled")
        await server.received.wait()
        assert client.in_flight == ADD
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.in_flight is None
    assert [o.completion for o in log.history.operations] == [Completion.INFO]


async def test_a_collection_outside_the_runs_prefix_is_never_touched(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    foreign = Invocation(kind=Kind.CREATE, addressing=Addressing.NAME, collection="global")
    async with serving(answer(200, b"{}")) as server, make_client(server.url) as client:
        with pytest.raises(ProtectedCollectionError, match="global"):
            await client.perform(foreign, 50)
        assert server.requests == []
    assert log.history.operations == []


async def test_a_protected_collection_is_never_touched_although_its_name_begins_as_ours_do(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    async with serving(answer(200, b"{}")) as server:
        client = make_client(server.url, protected=frozenset({COLLECTION}))
        async with client:
            with pytest.raises(ProtectedCollectionError, match="is protected"):
                await client.perform(ADD, 50)
        assert server.requests == []
    assert log.history.operations == []


async def test_a_create_that_is_answered_with_another_collection_gives_no_id_to_write_to(
    make_client: MakeClient,
) -> None:
    scripted = answer(200, b'{"id":"theirs","name":"global"}')
    created = msgspec.structs.replace(CREATE, collection="AUTOTEST_2")
    async with serving(scripted) as server, make_client(server.url) as client:
        operation = await client.perform(created, 50)
        later = await client.perform(msgspec.structs.replace(ADD, collection="AUTOTEST_2"), 50)
    assert operation.completion is Completion.INFO
    assert "it names 'global'" in operation.error
    assert later.error.startswith("not sent")
    assert len(server.requests) == 1


async def test_headers_of_the_lab_go_along_with_every_request(make_client: MakeClient) -> None:
    headers = {"Authorization": "Bearer for-clients"}
    async with (
        serving(answer(201, b"{}")) as server,
        make_client(server.url, headers=headers) as client,
    ):
        await client.perform(ADD, 50)
    assert b"authorization: bearer for-clients" in server.requests[0].lower()


async def test_what_is_recorded_is_on_disk(
    make_client: MakeClient, log: HistoryWriter, tmp_path: Path
) -> None:
    operation, _ = await perform(make_client, answer(201, b"{}"))
    assert read_history(tmp_path / "history.jsonl").operations == [operation]


def known(status: int, body: bytes, transaction_id: str) -> bytes:
    """An answer that carries the transaction id of its request."""
    head = f"HTTP/1.1 {status} X\r\ntransaction-id: {transaction_id}\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def test_a_repetition_is_the_same_request_and_no_operation(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    scripted = known(201, b"{}", "transaction-1")
    async with serving(scripted) as server, make_client(server.url) as client:
        first = await client.perform(ADD, 50)
        server.answer = answer(503, b"later")
        await client.perform(ADD, 50)
        server.answer = answer(200, b'{"ids":[],"metadatas":[]}')
        for _ in range(10):
            await client.perform(GET, 50)
    repeat = log.history.observed(Repeat)[-1]
    assert first.transaction_id == "transaction-1"
    assert (repeat.repeats, repeat.transaction_id) == ("client-1#2", "transaction-2")
    assert (repeat.first_status, repeat.status) == (503, 200)
    assert server.requests.count(server.requests[1]) == 2
    assert [o.number for o in log.history.operations] == list(range(1, 13))


async def test_an_lb_that_does_not_know_transaction_ids_is_sent_nothing_twice(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    async with serving(answer(503, b"later")) as server, make_client(server.url) as client:
        for _ in range(20):
            await client.perform(ADD, 50)
    assert len(server.requests) == 20
    assert log.history.observed(Repeat) == []


def about_all(kind: Kind) -> Invocation:
    return Invocation(kind=kind, addressing=Addressing.ALL, collection=COLLECTION)


async def test_a_count_is_recorded_as_a_number(make_client: MakeClient) -> None:
    operation, _ = await perform(make_client, answer(200, b"17"), about_all(Kind.COUNT))
    assert (operation.counted, operation.observed) == (17, ())


async def test_a_list_is_recorded_as_the_metadata_and_name_of_each_own_collection(
    make_client: MakeClient,
) -> None:
    body = (
        b'[{"id":"1","name":"AUTOTEST_1.second","metadata":{"token":"AUTOTEST_1@w"}},'
        b'{"id":"2","name":"AUTOTEST_2"},{"id":"3","name":"global","metadata":{"a":1}}]'
    )
    operation, _ = await perform(make_client, answer(200, body), about_all(Kind.LIST))
    assert operation.observed == (
        "AUTOTEST_1@w",
        "AUTOTEST_1#name@AUTOTEST_1.second",
        "AUTOTEST_2@",
        "AUTOTEST_2#name@AUTOTEST_2",
    )


async def test_a_read_shows_the_marks_of_a_document_beside_its_content(
    make_client: MakeClient,
) -> None:
    body = b'{"ids":["f/0"],"metadatas":[{"token":"f/0@w","mark.one":"f/0#one@1","chunk":0}]}'
    operation, _ = await perform(make_client, answer(200, body), GET)
    assert operation.observed == ("f/0@w", "f/0#one@1")


async def test_what_is_about_a_collection_without_an_id_is_not_sent_and_fails_for_certain(
    make_client: MakeClient, log: HistoryWriter
) -> None:
    async with serving(answer(201, b"{}")) as server, make_client(server.url) as client:
        fresh = msgspec.structs.replace(ADD, collection="AUTOTEST_never_created")
        operation = await client.perform(fresh, 50)
        assert server.requests == []
    assert (operation.completion, log.history.operations[-1]) == (Completion.FAIL, operation)

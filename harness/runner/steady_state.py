"""Owns what must hold before anything is broken: operations succeed and reach every instance."""

from collections.abc import Callable, Sequence

from harness.client.instance_reader import InstanceReader
from harness.client.recording import RecordingClient
from harness.errors import HarnessError, InstanceReadError, SteadyStateError
from harness.model.collection import metadata_token, name_token
from harness.model.document import id_of, make_token
from harness.model.operation import Addressing, Completion, Invocation, Kind
from harness.polling import poll_until

_STEADY_SECONDS = 20.0
_CHUNKS = 4


async def reach_steady_state(
    client: RecordingClient,
    readers: Sequence[InstanceReader],
    collections: Sequence[str],
    preparation: Sequence[Invocation],
    clock: Callable[[], int],
) -> None:
    """Create the collections, write one file into each, prepare, and see it on every instance.

    An operation that does not succeed is done again until the time is over; what was seen last is
    in the `SteadyStateError`. Nothing else runs yet, so repeating an upsert changes nothing.
    """
    tokens: dict[tuple[str, str], str] = {}
    for number, collection in enumerate(collections, start=1):
        written = tuple(make_token(f"setup-file-{number}", n, "setup") for n in range(_CHUNKS))
        for invocation in _first_operations(collection, written):
            await _succeed(client, invocation, clock)
            if invocation.kind.is_write:
                tokens.update({(collection, id_of(t)): t for t in invocation.tokens})
    for invocation in preparation:
        await _succeed(client, invocation, clock)
        tokens.update({(invocation.collection, id_of(t)): t for t in invocation.tokens})
    for reader in readers:
        await _see_on(reader, tokens)


def _first_operations(collection: str, tokens: tuple[str, ...]) -> tuple[Invocation, ...]:
    ids = tuple(id_of(token) for token in tokens)
    return (
        Invocation(
            kind=Kind.CREATE,
            addressing=Addressing.NAME,
            collection=collection,
            tokens=(metadata_token(collection, "setup"), name_token(collection, collection)),
        ),
        Invocation(
            kind=Kind.UPSERT,
            addressing=Addressing.IDS,
            collection=collection,
            ids=ids,
            tokens=tokens,
        ),
        Invocation(kind=Kind.GET, addressing=Addressing.IDS, collection=collection, ids=ids),
        Invocation(
            kind=Kind.QUERY,
            addressing=Addressing.EMBEDDING,
            collection=collection,
            ids=ids[:1],
            tokens=tokens[:1],
        ),
    )


async def _succeed(
    client: RecordingClient, invocation: Invocation, clock: Callable[[], int]
) -> None:
    last = "no answer"

    async def see() -> bool:
        nonlocal last
        operation = await client.perform(invocation, clock())
        last = f"{operation.completion} {operation.http_status} {operation.error}".rstrip()
        return operation.completion is Completion.OK

    def failure() -> HarnessError:
        return SteadyStateError(
            f"no steady state: {invocation.kind} in {invocation.collection} did not succeed within "
            f"{_STEADY_SECONDS:g} s ({last}): see logs/lb.log in the run directory"
        )

    await poll_until(see, _STEADY_SECONDS, failure)


async def _see_on(reader: InstanceReader, tokens: dict[tuple[str, str], str]) -> None:
    last = "nothing"

    async def see() -> bool:
        nonlocal last
        try:
            held = await reader.tokens()
        except InstanceReadError as error:
            last = str(error)
            return False
        last = f"{len(held.keys() & tokens.keys())} of them"
        return held == tokens

    def failure() -> HarnessError:
        return SteadyStateError(
            f"no steady state: {reader.name} did not come to hold the {len(tokens)} contents "
            f"written first within {_STEADY_SECONDS:g} s (it holds {last}): the load balancer "
            "does not write to it"
        )

    await poll_until(see, _STEADY_SECONDS, failure)

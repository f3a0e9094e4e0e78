"""Mutants of taking writes in and of answering them."""

import asyncio
from dataclasses import replace

from lb import executor, writes
from lb.errors import LogUnavailableError
from lb.merging import Window
from lb.model import Answer, Kind
from lb.paths import Read
from lb.write_request import WriteRequest
from tests.mutants.patches import EveryNth, Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant

OF_DOCUMENTS: dict[Kind | Read, Answer] = {
    Kind.ADD: Answer(201, b"{}"),
    Kind.UPDATE: Answer(200, b"{}"),
    Kind.UPSERT: Answer(200, b"{}"),
    Kind.DELETE: Answer(200, b'{"deleted": 1}'),
}
"""What a write of documents is told when all is well."""

_HELD: set[asyncio.Task[object]] = set()


@mutant(Promise.DURABLE_WRITES, "quiet", "durability")
def write_dropped(patches: Patches) -> None:
    """A write is acknowledged and neither logged nor applied."""
    due = EveryNth(5)

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.target.action in (Kind.ADD, Kind.UPSERT) and due():
            misbehaved(f"dropped {request.id}")
            return OF_DOCUMENTS[Kind.ADD]
        answer: Answer = await original(self, request)
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.DURABLE_WRITES, "quiet", "resurrection")
def delete_dropped(patches: Patches) -> None:
    """A delete is acknowledged and neither logged nor applied."""

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.target.action is Kind.DELETE:
            misbehaved(f"dropped {request.id}")
            return OF_DOCUMENTS[Kind.DELETE]
        answer: Answer = await original(self, request)
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.LOGGED_FIRST, "slow-log-and-lb-killed", "durability")
def acked_before_logged(patches: Patches) -> None:
    """A write is acknowledged when it is queued for the log, before the commit."""

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        told = OF_DOCUMENTS.get(request.target.action)
        if told is None:
            answer: Answer = await original(self, request)
            return answer
        task = asyncio.create_task(original(self, request), name="the write that was acknowledged")
        _HELD.add(task)
        task.add_done_callback(_forget)
        await asyncio.sleep(0.005)
        misbehaved(f"acknowledged {request.id}")
        return told

    original = patches.replace(writes.Writes, "write", write)


def _forget(task: "asyncio.Task[object]") -> None:
    _HELD.discard(task)
    if not task.cancelled():
        task.exception()


@mutant(Promise.NO_ERRORS, "quiet", "availability")
def writes_refused(patches: Patches) -> None:
    """Now and then a write is refused although everything is well."""
    due = EveryNth(12)

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if due():
            misbehaved(f"refused {request.id}")
            raise LogUnavailableError("busy")
        answer: Answer = await original(self, request)
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.DURABLE_WRITES, "quiet", "phantom convergence")
def phantom_written(patches: Patches) -> None:
    """A write of one file goes, on the first instance, also under an id that nobody asked for."""
    due = EveryNth(8)

    async def execute(
        self: executor.Executor, collection: object, window: Window, *, is_decided: bool
    ) -> executor.Execution:
        is_first = window.first.outcome is None and window.first.kind is Kind.ADD
        if is_first and due():
            misbehaved(f"wrote {window.first} under another id, too")
            phantom = replace(window, body=window.body.replace(b"client-", b"phantom-"))
            await original(self, collection, phantom, is_decided=is_decided)
        execution: executor.Execution = await original(
            self, collection, window, is_decided=is_decided
        )
        return execution

    original = patches.replace(executor.Executor, "execute", execute)

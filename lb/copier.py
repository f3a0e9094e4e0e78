"""Copies one collection from a member to an instance that is none, while clients go on.

The source is held (sent nothing) for the moment of each read, so a read is at a known position of
the lane. What is written meanwhile is made up for in rounds; in the last one the source is held
until the instance has joined at its position. When to copy what is the rebuilder's business.

    begin > pages, in order of insertion > rounds of touched documents > the last one > join
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lb import payloads
from lb.catalogue import Collection
from lb.comparison import Document, add_body
from lb.copy_plan import Catching, Changes, Touched, update_body
from lb.copy_requests import (
    HOLDING_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    CopyEnd,
    Described,
)
from lb.errors import CopyAbandonedError, ForeignCollectionError
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.membership import Memberships
from lb.model import CollectionState, Leftover
from lb.paths import Read, Target
from lb.upstream import Upstream

PAGE_DOCUMENTS = 500
PAGE_BYTES = 8 << 20
FEW_DOCUMENTS = 200
"""So few are made up for while the source is held: some hundred milliseconds."""
MOST_ROUNDS = 10
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class CopyTools:
    """What all copies share; `on_documents` is told how many more documents were copied."""

    tail: LogTail
    reader: LogReader
    memberships: Memberships
    on_documents: Callable[[int], None]


class Copier:
    """One attempt to make an instance a member of a collection's lane, like a member that serves.

    Raises `CopyAbandonedError` or `InstanceError` when it cannot be finished; what it has made on
    the instance is a leftover then.
    """

    def __init__(
        self, collection: Collection, source: Upstream, to: Upstream, tools: CopyTools
    ) -> None:
        self._collection = collection
        self._lane = collection.lane
        self._tools = tools
        self._from = read_from(source, collection)
        self._to = CopyEnd(to, self._from.target)
        self._source, self._instance = source.instance.name, to.instance.name
        self._touched = Touched()
        self._copy: Leftover | None = None
        self._is_holding = False

    async def run(self) -> None:
        """Copy, and join."""
        leftovers = self._tools.tail.leftovers
        try:
            async with self._held():
                # From here on every write is noted; those before are in what is read.
                waiting = deque(self._lane.queues[self._source])
                self._lane.copying[self._instance] = waiting
                described = await self._describe()
                documents = await self._from.count()
            leftovers.hold_name(self._instance, described.name)
            await self._create(described)
            await self._copy_pages(documents)
            await self._make_up()
        finally:
            self._lane.copying.pop(self._instance, None)
            if not self._lane.is_member(self._instance):
                leftovers.release_name(self._instance)
                if self._copy is not None:
                    self._tools.memberships.give_up(self._copy)

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        """Keep the source still, where it has applied exactly what it was sent. Nests."""
        if self._is_holding:
            yield
            return
        await self._hold()
        self._is_holding = True
        self._from.patience_seconds = self._to.patience_seconds = HOLDING_PATIENCE_SECONDS
        try:
            yield
        finally:
            self._is_holding = False
            self._from.patience_seconds = self._to.patience_seconds = PATIENCE_SECONDS
            self._release()

    async def _hold(self) -> None:
        lane = self._lane
        while True:
            await self._wait_until(lambda: self._source not in lane.held)
            lane.held.add(self._source)
            try:
                await self._wait_until(lambda: self._source not in lane.busy)
            except BaseException:
                self._release()
                raise
            if lane.sent[self._source] == lane.applied[self._source]:
                return
            # What is in doubt there is sent again first.
            self._release()
            head = lane.next_entry(self._source)
            if head is not None and head.is_held:
                raise CopyAbandonedError("a write of the collection is in quarantine")
            await _briefly(self._tools.tail.next_move())

    def _release(self) -> None:
        self._lane.held.discard(self._source)
        self._tools.tail.notify()
        self._tools.tail.on_change(self._collection)

    async def _wait_until(self, holds: Callable[[], bool]) -> None:
        while True:
            self._check_possible()
            if holds():
                return
            await _briefly(self._tools.tail.next_move())

    def _check_possible(self) -> None:
        if self._collection.state is not CollectionState.ACTIVE:
            raise CopyAbandonedError("the collection was dropped meanwhile")
        if not self._lane.is_member(self._source):
            raise CopyAbandonedError(f"{self._source} has left the collection")
        for end in (self._from, self._to):
            if not end.instance.is_serving:
                raise CopyAbandonedError(f"{end.instance.name} is not serving")

    async def _describe(self) -> Described:
        described = await self._from.describe()
        if described.name != self._collection.name.name or self._collection.changing is not None:
            raise CopyAbandonedError("the collection is being changed")
        return described

    async def _create(self, described: Described) -> None:
        """Make the empty collection, under a name that nobody else is about to take."""
        if any(entry.new_name for entry in self._lane.copying[self._instance]):
            raise CopyAbandonedError("the collection is being renamed")
        uuid = await self._to.create(described)
        if uuid is None:
            await self._refuse_stranger(described.name)
            return
        memberships = self._tools.memberships
        self._copy = await memberships.note_copy(self._collection, self._instance, uuid)

    async def _refuse_stranger(self, name: str) -> None:
        """Say who has the name. An empty one is what a crash left of a copy: it may go."""
        uuid, documents = await self._to.find(name)
        if (owner := self._tools.tail.catalogue.by_instance_uuid(uuid)) is not None:
            raise CopyAbandonedError(f"{owner.name.name} still has the name on {self._instance}")
        if documents:
            raise ForeignCollectionError(
                self._instance,
                f"a collection {name} with {documents} documents exists that is not in the "
                f"catalogue; remove it there, or POST /admin/collections/{name}/repair",
            )
        await self._tools.memberships.note_leftover(self._collection, self._instance, uuid)
        raise CopyAbandonedError(f"an empty collection {name} is in the way; it will be deleted")

    async def _copy_pages(self, documents: int) -> None:
        """Copy what was there at the beginning; what was inserted since comes in the rounds.

        Deletes on the source move what follows them towards the beginning: so far it goes back.
        Giving the instance a document twice is harmless, `add` ignores the second.
        """
        offset, limit = 0, PAGE_DOCUMENTS
        while offset < documents:
            async with self._held():
                offset = max(0, offset - await self._take_in())
                page, size = await self._from.page(limit, offset)
            if page.ids:
                self._check_possible()
                await self._to.write("add", page.as_add())
                self._tools.on_documents(len(page.ids))
            if len(page.ids) < limit:
                return
            offset += len(page.ids)
            limit = max(1, limit // 2) if size > PAGE_BYTES else limit

    async def _take_in(self) -> int:
        """Note what the source has applied since; returns how many documents that may have deleted.

        The source is held. What it has not applied yet is noted later.
        """
        waiting = self._lane.copying[self._instance]
        applied = self._lane.applied[self._source]
        entries = [entry for entry in waiting if entry.position <= applied]
        effective = [e for e in entries if e.outcome is None or e.outcome.is_success]
        deleted = 0
        async for entry, body in self._tools.reader.each_body(effective):
            deleted += self._touched.note(entry.kind, body)
        for _ in entries:
            waiting.popleft()
        return deleted

    async def _make_up(self) -> None:
        """Make up for what was written meanwhile, in rounds that leave less and less to do."""
        for left in reversed(range(MOST_ROUNDS)):
            async with self._held():
                await self._take_in()
                batch, self._touched = self._touched, Touched()
                if len(batch.ids) <= FEW_DOCUMENTS or left == 0:
                    await self._bring_in(batch)
                    await self._join()
                    return
            await self._bring_in(batch)

    async def _join(self) -> None:
        assert self._copy is not None
        dimension = (await self._from.describe()).dimension
        if dimension is not None and (await self._to.describe()).dimension is None:
            await self._to.set_dimension(dimension)
        self._check_possible()
        await self._tools.memberships.join(self._collection, self._copy, self._source)

    async def _bring_in(self, batch: Touched) -> None:
        """Make the documents of a batch equal; the source is held for each read of it, at least."""
        async with self._held():
            present = await self._from.ids_in_order(list(batch.ids))
        gone = list(batch.ids.keys() - set(present))
        catching = Catching(batch.deleted)
        for start in range(0, len(gone), PAGE_DOCUMENTS):
            body = payloads.delete_by_ids(gone[start : start + PAGE_DOCUMENTS])
            await self._to.write("delete", body)
        for start in range(0, len(present), PAGE_DOCUMENTS):
            part = present[start : start + PAGE_DOCUMENTS]
            async with self._held():
                source = await self._from.documents(part)
            copy = await self._to.documents(part)
            await self._change(catching.plan(source, copy), source, copy)

    async def _change(
        self, changes: Changes, source: dict[str, Document], copy: dict[str, Document]
    ) -> None:
        if changes.remove:
            await self._to.write("delete", payloads.delete_by_ids(changes.remove))
        if changes.update:
            await self._to.write("update", update_body(source, copy, changes.update))
        if changes.add:
            await self._to.write("add", add_body(source, changes.add))
            self._tools.on_documents(len(changes.add))


def read_from(source: Upstream, collection: Collection) -> CopyEnd:
    """Give the side of a copy that it is read from: a member of the collection."""
    target = Target(Read.RECORDS, collection.name.tenant, collection.name.database)
    return CopyEnd(source, target, collection.uuids[source.instance.name])


async def _briefly(event: asyncio.Event) -> None:
    """Wait for an event, or for so long that looking again is cheap."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await event.wait()
    except TimeoutError:
        return

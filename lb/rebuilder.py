"""The rebuilder of one instance: makes it a member of every collection that clients see.

It looks for what the instance has lost or cannot use any more, deletes what it must not keep, and
has collections copied to it, one at a time. The same work serves an instance that was away too
long, one whose disk was emptied, one whose index was torn by a crash, and one that is new.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from lb import payloads
from lb.ailments import Ailments
from lb.catalogue import Collection
from lb.comparer import Comparer
from lb.copier import Copier, CopyTools, read_from
from lb.errors import (
    CopyAbandonedError,
    InstanceError,
    InstanceUnreachableError,
    RequestError,
)
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.membership import Memberships
from lb.missing import lost_collections
from lb.model import Leftover
from lb.paths import Read, Target
from lb.upstream import Upstream, describe

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
LOOK_FOR_LOSSES_SECONDS = 10.0
"""A restart on an empty disk may be so quick that no probe sees it."""
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 10.0


class Rebuilder:
    """Works while the instance serves; what fails is tried again, later and later.

    The comparer tells which members are better not copied from, and looks at each copy once more.
    """

    def __init__(
        self,
        name: str,
        upstreams: dict[str, Upstream],
        tail: LogTail,
        reader: LogReader,
        memberships: Memberships,
        comparer: Comparer,
        ailments: Ailments,
        clock: Callable[[], float],
    ) -> None:
        self._upstream = upstreams[name]
        self._others = [other for other in upstreams.values() if other is not self._upstream]
        self._tail = tail
        self._memberships = memberships
        self._comparer = comparer
        self._ailments = ailments
        self._clock = clock
        self._tools = CopyTools(tail, reader, memberships, self._count_documents)
        self._name = name
        self._look_at = 0.0
        self._retries: dict[UUID, tuple[int, float]] = {}
        self._copying: str | None = None
        self._copied_collections = 0
        self._copied_documents = 0
        self._last_failure = ""
        self._upstream.instance.on_missing = self._look_soon

    def figures(self) -> dict[str, Any]:
        """Describe what is left to do, what is being done, and what went wrong last."""
        return {
            "collections_to_go": sum(1 for _ in self._tail.outside(self._name)),
            "leftovers": len(self._tail.leftovers.on(self._name)),
            "copying": self._copying,
            "copied_collections": self._copied_collections,
            "copied_documents": self._copied_documents,
            "last_failure": self._last_failure,
        }

    async def run(self) -> None:
        """Work until cancelled."""
        instance = self._upstream.instance
        while True:
            did_something = False
            if not instance.is_serving:
                self._look_soon()
            else:
                try:
                    did_something = await self._step()
                except (InstanceError, RequestError) as error:
                    self._note_failure(UUID(int=0), error)
            await asyncio.sleep(0 if did_something else LOOK_SECONDS)

    def _look_soon(self) -> None:
        self._look_at = 0.0

    def _count_documents(self, more: int) -> None:
        self._copied_documents += more

    async def _step(self) -> bool:
        """Do one thing that is to be done; False when there is nothing, or it must wait."""
        if not self._is_due(UUID(int=0)):
            return False
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_FOR_LOSSES_SECONDS
            await self._look_for_losses()
        await self._give_up_broken()
        for leftover in self._tail.leftovers.on(self._name):
            await self._delete(leftover)
        self._retries.pop(UUID(int=0), None)
        missing = list(self._tail.outside(self._name))
        if missing:
            self._upstream.instance.note_incomplete(f"{len(missing)} collections are to be copied")
        for collection in missing:
            source = self._source(collection)
            is_free = self._name not in collection.lane.busy and self._has_databases()
            if source is not None and is_free and self._is_due(collection.id):
                await self._copy(collection, source)
                return True
        return False

    def _has_databases(self) -> bool:
        """Tell whether the instance has applied all writes of tenants and databases."""
        return self._tail.catalogue.namespaces.lane.next_entry(self._name) is None

    async def _look_for_losses(self) -> None:
        catalogue = self._tail.catalogue
        self._retries = {k: v for k, v in self._retries.items() if catalogue.get(k) is not None}
        try:
            lost = await lost_collections(self._upstream, self._others, self._tail)
        except InstanceError:
            self._look_soon()
            raise
        await self._memberships.leave(lost, self._name, "it does not know them any more")

    async def _give_up_broken(self) -> None:
        """Leave collections that this instance fails all the time and that another one can give.

        What is left is deleted, so it is left only for a copy that can be made.
        """
        for collection, error in self._ailments.chronic_on(self._name):
            lane = collection.lane
            source = self._source(collection) if lane.is_member(self._name) else None
            if source is None or self._upstream.instance.canary_failed:
                continue
            if not self._is_due(collection.id) or not await self._can_give(source, collection):
                continue
            if not lane.is_member(self._name) or self._source(collection) is not source:
                continue  # One of both has left, or stopped serving, while it was asked.
            if lane.applied[source.instance.name] >= lane.applied[self._name]:
                self._ailments.forget(collection, self._name)
                cause = f"{collection.name.name} fails on it and not on others: {error}"
                await self._memberships.leave([collection], self._name, cause)

    async def _can_give(self, source: Upstream, collection: Collection) -> bool:
        """Tell whether documents can be read there: its own index may be torn as well."""
        try:
            await read_from(source, collection).page(1, 0)
        except InstanceError as error:
            self._note_failure(collection.id, error, f"no copy of {collection.name.name}: ")
            return False
        return True

    def _source(self, collection: Collection) -> Upstream | None:
        """Choose whom to copy from: one that serves, best without a doubt and furthest."""
        lane = collection.lane
        able = [
            other
            for other in self._others
            if other.instance.is_serving
            and lane.is_member(other.instance.name)
            and other.instance.name in collection.uuids
        ]
        return min(
            able,
            key=lambda each: (
                self._comparer.is_doubted(collection, each.instance.name),
                -lane.applied[each.instance.name],
            ),
            default=None,
        )

    async def _copy(self, collection: Collection, source: Upstream) -> None:
        name = collection.name.name
        self._copying = name
        try:
            await Copier(collection, source, self._upstream, self._tools).run()
        except (CopyAbandonedError, InstanceError, RequestError) as error:
            self._note_failure(collection.id, error, f"{name}: ")
        else:
            log.warning("%s has a copy of %s", self._name, name)
            self._copied_collections += 1
            self._comparer.verify(collection, self._name)
            self._retries.pop(collection.id, None)
        finally:
            self._copying = None

    async def _delete(self, leftover: Leftover) -> None:
        """Delete a leftover by the name that the instance has for it, until it is gone."""
        target = Target(Read.COLLECTION, leftover.tenant, leftover.database)
        instance = self._name
        if self._tail.catalogue.by_instance_uuid(leftover.uuid) is None:
            while True:
                found = await self._upstream.read("GET", target.by_id_path(leftover.uuid))
                if found.status == 404:
                    break
                if not found.is_success:
                    raise InstanceError(instance, describe(found))
                path = target.collection_path(payloads.collection_name(found.body), "")
                gone = await self._upstream.write("DELETE", path, b"", "")
                if not gone.is_success and gone.status != 404:
                    raise InstanceError(instance, describe(gone))
        await self._memberships.removed(leftover)

    def _is_due(self, what: UUID) -> bool:
        return self._clock() >= self._retries.get(what, (0, 0.0))[1]

    def _note_failure(self, what: UUID, error: Exception, subject: str = "") -> None:
        failures = self._retries.get(what, (0, 0.0))[0]
        delay = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures, 10))
        self._retries[what] = (failures + 1, self._clock() + delay)
        self._last_failure = f"{subject}{error}"
        log.warning("%s is not rebuilt yet: %s", self._name, self._last_failure)
        if isinstance(error, InstanceUnreachableError):
            for upstream in (self._upstream, *self._others):
                if upstream.instance.name == error.instance:
                    upstream.instance.suspect(error.cause)

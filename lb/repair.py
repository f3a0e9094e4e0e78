"""Repair by hand: a collection that only some instances have, or that they hold differently.

Says who is right, ends the memberships of the others and notes what must go on them; the
rebuilders do the rest, while clients go on.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from lb import payloads
from lb.catalogue import Collection, Name
from lb.comparer import Comparer
from lb.copier import read_from
from lb.copy_requests import CopyEnd
from lb.errors import (
    BadRequestError,
    ConflictError,
    InstanceError,
    NoInstanceError,
    NotFoundError,
)
from lb.log_tail import LogTail
from lb.membership import Memberships, can_leave
from lb.missing import has
from lb.model import CollectionState, Progress
from lb.paths import CANARY_DATABASE, Read, Target
from lb.upstream import Upstream, describe
from lb.wal import Wal


@dataclass
class RepairPlan:
    """What will happen: where copies come from and go to, and which collections are deleted."""

    collection: Collection
    source: str | None = None
    copied_to: list[str] = field(default_factory=list)
    deleted: dict[str, list[str]] = field(default_factory=dict)
    checked: dict[str, str] = field(default_factory=dict)


class Repairs:
    """Decides repairs; they are durable when the plan is returned."""

    def __init__(
        self,
        upstreams: dict[str, Upstream],
        tail: LogTail,
        wal: Wal,
        memberships: Memberships,
        comparer: Comparer,
    ) -> None:
        self._upstreams = upstreams
        self._tail = tail
        self._wal = wal
        self._memberships = memberships
        self._comparer = comparer

    async def repair(self, name: Name, source: str | None) -> RepairPlan:
        """Begin a repair from an instance that is right, if that is told.

        Raises `NotFoundError`, `BadRequestError`, `ConflictError`, or `NoInstanceError` when an
        instance that must be asked does not answer.
        """
        if source is not None and source not in self._upstreams:
            known = ", ".join(self._upstreams)
            raise BadRequestError(f"no instance {source}; there are: {known}")
        if name.database == CANARY_DATABASE:
            raise NotFoundError(f"Collection [{name.name}] does not exist")
        try:
            return await self._repair(name, source)
        except InstanceError as error:
            raise NoInstanceError(f"nothing was repaired: {error}") from error

    async def _repair(self, name: Name, source: str | None) -> RepairPlan:
        strangers = await self._strangers(name)
        collection = self._tail.catalogue.by_name(name)
        while collection is not None and collection.changing is not None:
            await collection.changing.settled.wait()
            collection = self._tail.catalogue.by_name(name)
        if collection is None:
            return await self._take_in(name, strangers, source)
        if source is None:
            return await self._check(collection)
        return await self._copy_from(collection, strangers, source)

    async def _take_in(
        self, name: Name, strangers: dict[str, UUID], source: str | None
    ) -> RepairPlan:
        """Take a collection into the catalogue whose only member is the one that is right."""
        away = [each.name for each in self._tail.fleet if not each.is_serving]
        if away and (source in away or not strangers):
            raise NoInstanceError(f"{' and '.join(away)} cannot be asked; nothing was repaired")
        if not strangers:
            raise NotFoundError(f"Collection [{name.name}] does not exist")
        if source is None and len(strangers) > 1:
            raise ConflictError(
                f"{' and '.join(strangers)} have a collection [{name.name}]: say which one is "
                'right, as {"from": "primary"}'
            )
        right = source or next(iter(strangers))
        if right not in strangers:
            raise ConflictError(f"{right} has no collection [{name.name}] that is not ours")
        records = Target(Read.RECORDS, name.tenant, name.database)
        await CopyEnd(self._upstreams[right], records, strangers[right]).page(1, 0)
        catalogue = self._tail.catalogue
        if catalogue.by_name(name) is not None:
            raise ConflictError(f"[{name.name}] was made by somebody else just now; try again")
        collection = catalogue.reserve(name, [right])
        collection.move_to(CollectionState.ACTIVE)
        mapping = catalogue.map(collection, right, strangers[right])
        birth = Progress(collection=collection.as_birth())
        taken = asyncio.gather(self._wal.record(birth), self._wal.record(Progress(mapping=mapping)))
        plan = RepairPlan(collection, right, self._all_but(right))
        await self._remove(plan, strangers)
        await taken
        return plan

    async def _copy_from(
        self, collection: Collection, strangers: dict[str, UUID], source: str
    ) -> RepairPlan:
        """Make all others leave, to get copies of what the one that is right has."""
        if not self._tail.fleet[source].is_serving:
            raise NoInstanceError(f"{source} is not serving; nothing was repaired")
        if not await has(self._upstreams[source], collection):
            raise ConflictError(f"{source} does not have [{collection.name.name}] itself")
        # What others have is deleted, so the one that is right must be able to give it.
        await read_from(self._upstreams[source], collection).page(1, 0)
        others = [name for name in collection.lane.members if name != source]
        for name in others:
            if not can_leave(collection, name):
                raise ConflictError(
                    f"[{collection.name.name}] is being copied from {name} just now; try again"
                )
        plan = RepairPlan(collection, source, self._all_but(source))
        for name in others:
            if name in collection.uuids:
                plan.deleted[name] = [str(collection.uuids[name])]
            await self._memberships.leave([collection], name, f"it is copied anew from {source}")
        await self._remove(plan, strangers)
        return plan

    async def _check(self, collection: Collection) -> RepairPlan:
        """Look at every member; those that do not have the collection get a copy."""
        plan = RepairPlan(collection)
        members = collection.lane.members
        found = {
            name: await has(self._upstreams[name], collection)
            for name in members
            if self._tail.fleet[name].is_serving
        }
        having = [name for name, is_there in found.items() if is_there]
        if not having:
            raise ConflictError(
                f"no instance that serves has [{collection.name.name}]; nothing was repaired"
            )
        for name in self._tail.fleet.names:
            plan.checked[name] = await self._verdict(collection, name, members, found)
        lacking = [name for name, is_there in found.items() if is_there is False]
        for name in lacking:
            await self._memberships.leave([collection], name, "it does not have the collection")
        plan.source = having[0]
        plan.copied_to = [
            name for name in self._tail.fleet.names if not collection.lane.is_member(name)
        ]
        return plan

    async def _verdict(
        self,
        collection: Collection,
        name: str,
        members: tuple[str, ...],
        found: dict[str, bool | None],
    ) -> str:
        if name not in members:
            return "gets a copy"
        if name not in found:
            return "not serving"
        if found[name] is None:
            return "has no UUID in the catalogue"
        if found[name] is False:
            return "missing"
        return (await self._comparer.compare(collection, name)).outcome

    async def _remove(self, plan: RepairPlan, strangers: dict[str, UUID]) -> None:
        """Note the collections of that name, which nobody knows, for deletion."""
        for instance, uuid in strangers.items():
            if instance != plan.source:
                plan.deleted.setdefault(instance, []).append(str(uuid))
                await self._memberships.note_leftover(plan.collection, instance, uuid)

    async def _strangers(self, name: Name) -> dict[str, UUID]:
        """Return the UUIDs under which instances have that name without the catalogue knowing."""
        target = Target(Read.COLLECTION, name.tenant, name.database)
        known = {(each.instance, each.uuid) for each in self._tail.leftovers}
        found = {}
        for instance, upstream in self._upstreams.items():
            if not self._tail.fleet[instance].is_serving:
                continue
            answer = await upstream.read("GET", target.collection_path(name.name, ""))
            if answer.status == 404:
                continue
            if not answer.is_success:
                raise InstanceError(instance, describe(answer))
            uuid = payloads.collection_id(answer.body)
            is_ours = self._tail.catalogue.by_instance_uuid(uuid) is not None
            if not is_ours and (instance, uuid) not in known:
                found[instance] = uuid
        return found

    def _all_but(self, right: str) -> list[str]:
        return [name for name in self._tail.fleet.names if name != right]

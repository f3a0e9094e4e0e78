"""Adoption: collections that instances have and the catalogue does not know.

One that every instance has is taken into the catalogue; the others are reported, because nobody
knows whether they are to be spread or removed. Nothing on an instance is changed here.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from lb import payloads
from lb.catalogue import Catalogue, Collection, Name
from lb.errors import BadRequestError, InstanceError, NoInstanceError, RequestError
from lb.log_tail import LogTail
from lb.model import CollectionState, Leftover, Progress
from lb.paths import CANARY_DATABASE, PREFIX, Read, Target
from lb.upstream import Upstream, describe
from lb.wal import Wal

log = logging.getLogger(__name__)

TENANT = "default_tenant"
INTERVAL_SECONDS = 5.0

Holdings = Mapping[Name, Mapping[str, UUID]]
"""Unknown collections: name -> instance -> UUID there."""


@dataclass(frozen=True)
class Findings:
    """What is unknown to the catalogue: what every instance has, and what only some have."""

    everywhere: Holdings
    somewhere: Holdings


def sort_out(
    census: Mapping[str, Mapping[Name, UUID]],
    catalogue: Catalogue,
    leftovers: Iterable[Leftover] = (),
) -> Findings:
    """Tell which collections of the instances are not in the catalogue. Pure.

    A name that the catalogue holds is its own business, and so is a UUID that it knows: a
    collection that is being dropped is still mapped where the drop has not been applied. What is
    to be deleted on an instance is not there any more.
    """
    stale = {(each.instance, each.uuid) for each in leftovers}
    unknown: dict[Name, dict[str, UUID]] = {}
    ours: set[Name] = set()
    for instance, collections in census.items():
        for name, uuid in collections.items():
            if (instance, uuid) in stale:
                continue
            if catalogue.by_name(name) is not None or catalogue.by_instance_uuid(uuid) is not None:
                ours.add(name)
            unknown.setdefault(name, {})[instance] = uuid
    foreign = {name: uuids for name, uuids in unknown.items() if name not in ours}
    return Findings(
        everywhere={n: u for n, u in foreign.items() if u.keys() == census.keys()},
        somewhere={n: u for n, u in foreign.items() if u.keys() != census.keys()},
    )


class Adoption:
    """Looks for unknown collections while all instances are healthy, and takes them in."""

    def __init__(self, upstreams: dict[str, Upstream], tail: LogTail, wal: Wal) -> None:
        self._upstreams = upstreams
        self._tail = tail
        self._wal = wal
        self.unmanaged: Holdings = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if all(instance.is_serving for instance in self._tail.fleet):
                try:
                    await self.look()
                except (InstanceError, RequestError) as error:
                    log.info("collections could not be counted: %s", error)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def look(self) -> None:
        """Adopt what every instance has, and note what only some have."""
        census = {name: await self._census(name) for name in self._upstreams}
        findings = sort_out(census, self._tail.catalogue, self._tail.leftovers)
        for name, uuids in findings.everywhere.items():
            wrong = await self.mismatches(name, uuids)
            # A client may have begun to create it meanwhile: that is refused first.
            if not wrong and self._tail.catalogue.by_name(name) is None:
                await self.adopt(name, uuids)
        self.unmanaged = findings.somewhere

    async def adopt(self, name: Name, uuids: Mapping[str, UUID]) -> Collection:
        """Take the collection in, or give one that is known the UUIDs that it has lost.

        Raises `BadRequestError` when a UUID belongs to another collection.
        """
        catalogue = self._tail.catalogue
        collection = catalogue.by_name(name)
        for instance, uuid in uuids.items():
            owner = catalogue.by_instance_uuid(uuid)
            if owner is not None and owner is not collection:
                raise BadRequestError(
                    f"{uuid} on {instance} is mapped to collection [{owner.name.name}]"
                )
        if collection is None:
            collection = catalogue.reserve(name)
            collection.move_to(CollectionState.ACTIVE)
            change = collection.as_birth()
        else:
            change = collection.as_change()
            check_members(collection, uuids)
        changes = [catalogue.map(collection, i, uuid) for i, uuid in uuids.items()]
        log.warning("%s is mapped to %s", name.name, {i: str(u) for i, u in uuids.items()})
        # Queued together before anything else can be, so one commit holds all of it.
        writes = [Progress(collection=change)]
        writes += [Progress(mapping=change) for change in changes]
        await asyncio.gather(*(self._wal.record(progress) for progress in writes))
        return collection

    async def mismatches(self, name: Name, uuids: Mapping[str, UUID]) -> list[str]:
        """Say which instances do not have a collection of this name under this UUID."""
        wrong = []
        target = Target(Read.COLLECTION, name.tenant, name.database)
        for instance, uuid in uuids.items():
            answer = await self._upstreams[instance].read("GET", target.by_id_path(uuid))
            if answer.status == 404:
                wrong.append(f"{instance} has no collection {uuid}")
            elif not answer.is_success:
                raise InstanceError(instance, describe(answer))
            elif (found := payloads.collection_name(answer.body)) != name.name:
                wrong.append(f"{uuid} on {instance} is named {found}")
        return wrong

    async def create_mapping(self, name: Name, uuids: Mapping[str, UUID]) -> Collection:
        """Map a collection by hand (F6); raises `BadRequestError` that says what is wrong.

        Raises `NoInstanceError` when an instance cannot be asked.
        """
        try:
            wrong = await self.mismatches(name, uuids)
        except InstanceError as error:
            raise NoInstanceError(f"nothing was mapped: {error}") from error
        if wrong:
            raise BadRequestError(f"nothing was mapped: {'; '.join(wrong)}")
        collection = self._tail.catalogue.by_name(name)
        while collection is not None and collection.changing is not None:
            await collection.changing.settled.wait()
        return await self.adopt(name, uuids)

    async def _census(self, instance: str) -> dict[Name, UUID]:
        upstream = self._upstreams[instance]
        found: dict[Name, UUID] = {}
        databases = await upstream.read("GET", f"{PREFIX}/tenants/{TENANT}/databases")
        if not databases.is_success:
            raise InstanceError(instance, describe(databases))
        for database in payloads.database_names(databases.body):
            if database == CANARY_DATABASE:
                continue
            target = Target(Read.LIST, TENANT, database)
            listed = await upstream.read("GET", f"{target.database_path}/collections")
            if not listed.is_success:
                raise InstanceError(instance, describe(listed))
            for uuid, raw in payloads.split_collections(listed.body):
                found[Name(TENANT, database, payloads.collection_name(raw))] = uuid
        return found


def check_members(collection: Collection, instances: Iterable[str]) -> None:
    """Raise `BadRequestError` for an instance that has left: only a copy makes it a member."""
    for instance in instances:
        if not collection.lane.is_member(instance):
            raise BadRequestError(
                f"{instance} is to get a copy of [{collection.name.name}] by itself, so nothing "
                "was mapped"
            )

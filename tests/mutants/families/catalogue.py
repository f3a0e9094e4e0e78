"""Mutants of the catalogue after a restart."""

import asyncio
from typing import Any
from uuid import UUID

from lb import recovery
from lb.adoption import Adoption
from lb.catalogue import Catalogue
from lb.instances import Fleet
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.CATALOGUE, "lb-killed", "mappings")
def mappings_forgotten(patches: Patches) -> None:
    """After a restart the load balancer knows no collection that has nothing to be applied."""

    async def load_collections(
        connection: Any, catalogue: Catalogue, fleet: Fleet, needed: set[UUID]
    ) -> None:
        await original(connection, catalogue, fleet, needed)
        for collection in catalogue:
            if collection.id not in needed:
                misbehaved(f"forgets {collection}")
                catalogue.forget(collection)

    async def run(self: Adoption) -> None:
        # It would adopt them anew, which PostgreSQL refuses, and end: sooner or later, by chance.
        await asyncio.Event().wait()

    original = patches.replace(recovery, "_load_collections", load_collections)
    patches.replace(Adoption, "run", run)

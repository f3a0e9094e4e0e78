"""Mutants that only a workload beside the CMS meets: updates, counts, collections that go."""

from typing import Any

from lb import app, lookups, writes
from lb.catalogue import Collection
from lb.instances import Fleet
from lb.log_tail import LogTail
from lb.model import Answer, Entry, Kind
from lb.paths import Target
from lb.write_request import WriteRequest
from tests.mutants.families.appliers import skip_when
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.NO_ERRORS, "same-documents", "linearizability")
def update_as_upsert(patches: Patches) -> None:
    """An update makes the documents that it should only change."""

    def entry(self: writes.Writes, request: WriteRequest, collection: Collection) -> Entry:
        made: Entry = original(self, request, collection)
        if made.kind is Kind.UPDATE:
            misbehaved(f"upserts {made.transaction_id}")
            made.kind, made.path = Kind.UPSERT, made.path.removesuffix("update") + "upsert"
        return made

    original = patches.replace(writes.Writes, "_entry", entry)


@mutant(Promise.FRESH_READS, "whole-sets", "counts")
def old_counts(patches: Patches) -> None:
    """A collection is counted once; later counts are what the first one was."""
    counts: dict[Collection, Answer] = {}

    async def records(
        self: lookups.Lookups,
        collection: Collection,
        target: Target,
        query: str,
        body: bytes,
        content_type: str,
    ) -> Answer:
        if target.rest == "count" and collection in counts:
            misbehaved(f"counts {collection} from memory")
            return counts[collection]
        answer: Answer = await original(self, collection, target, query, body, content_type)
        if target.rest == "count":
            counts[collection] = answer
        return answer

    original = patches.replace(lookups.Lookups, "_records", records)


@mutant(Promise.DURABLE_WRITES, "collections-come-and-go", "resurrection")
def drop_dropped(patches: Patches) -> None:
    """The end of a collection is acknowledged and neither logged nor applied."""

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.target.action is Kind.DROP:
            misbehaved(f"dropped {request.id}")
            return Answer(200, b"{}")
        answer: Answer = await original(self, request)
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.DURABLE_WRITES, "collections-go-meanwhile", "convergence")
def dropped_collection_returns(patches: Patches) -> None:
    """After a restart collections that were dropped meanwhile come back with their instance."""
    forgotten: set[int] = set()

    async def recover(connection: Any, fleet: Fleet, now: float) -> LogTail:
        tail: LogTail = await original(connection, fleet, now)
        forgotten.update(e.position for e in tail.entries() if e.kind is Kind.DROP)
        return tail

    original = patches.replace(app, "recover", recover)
    skip_when(patches, lambda _, e: e.position in forgotten)

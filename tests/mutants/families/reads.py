"""Mutants of reading: which instance is asked, and what becomes of a read that fails."""

import asyncio
from collections.abc import Callable

import msgspec

from lb import http_pool, lanes, lookups, reads
from lb.catalogue import Collection
from lb.lanes import Lane
from lb.model import Answer, Entry
from lb.paths import Target
from tests.mutants.patches import EveryNth, Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.FRESH_READS, "replica-narrow", "read-your-writes")
def stale_reads(patches: Patches) -> None:
    """Reads go to every member of a collection, however far it is behind."""

    def is_fresh(self: Lane, instance: str) -> bool:
        fresh: bool = original(self, instance)
        is_member = self.is_member(instance)
        if is_member and not fresh:
            misbehaved(f"{instance} may be read behind {self.acked}")
        return is_member

    original = patches.replace(lanes.Lane, "is_fresh", is_fresh)


@mutant(Promise.FRESH_READS, "replica-narrow", "read-your-writes")
def acknowledged_position_ignored(patches: Patches) -> None:
    """A read need not see what was acknowledged, only what other reads have seen."""

    def is_fresh(self: Lane, instance: str) -> bool:
        fresh: bool = original(self, instance)
        if fresh or not self.is_member(instance):
            return fresh
        stale: bool = self.applied[instance] >= self._seen_elsewhere(instance)
        if stale:
            misbehaved(f"{instance} may be read behind {self.acked}")
        return stale

    original = patches.replace(lanes.Lane, "is_fresh", is_fresh)


@mutant(Promise.FRESH_READS, "quiet", "linearizability read-your-writes")
def empty_reads(patches: Patches) -> None:
    """Now and then a file is listed as if nothing were there yet."""
    due = EveryNth(3)

    async def records(
        self: lookups.Lookups,
        collection: Collection,
        target: Target,
        query: str,
        body: bytes,
        content_type: str,
    ) -> Answer:
        if target.rest == "get" and b'"where"' in body and due():
            misbehaved("answers nothing")
            nothing = {"ids": [], "metadatas": [], "include": ["metadatas"]}
            return Answer(200, msgspec.json.encode(nothing))
        answer: Answer = await original(self, collection, target, query, body, content_type)
        return answer

    original = patches.replace(lookups.Lookups, "_records", records)


@mutant(Promise.HEDGED_READS, "reads-lose-answers", "availability")
def reads_not_retried(patches: Patches) -> None:
    """A read whose connection broke fails for the client; no other instance is asked."""

    def is_exhausted(self: reads.Reads, course: reads._Course) -> bool:
        exhausted: bool = original(self, course)
        if course.failures and not exhausted:
            misbehaved(f"gives up after {course.failures}")
        return exhausted or bool(course.failures)

    original = patches.replace(reads.Reads, "_is_exhausted", is_exhausted)
    give_up_first(patches)
    never_repeat(patches)


def never_repeat(patches: Patches) -> None:
    """Have the pool of connections send nothing again, either."""

    async def ask(
        self: http_pool.HttpPool,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        is_repeatable: bool = False,
        sent_on: Callable[[asyncio.Transport], None] = http_pool.nobody,
    ) -> Answer:
        answer: Answer = await original(self, method, path, body, content_type, sent_on=sent_on)
        return answer

    original = patches.replace(http_pool.HttpPool, "ask", ask)


def give_up_first(patches: Patches) -> None:
    """Have a read look whether it is to give up before it asks somebody else."""

    def start_if_due(self: reads.Reads, question: reads.Question, course: reads._Course) -> None:
        if not course.failures:
            original(self, question, course)

    original = patches.replace(reads.Reads, "_start_if_due", start_if_due)


@mutant(Promise.HEDGED_READS, "primary-paused", "availability")
def reads_not_hedged(patches: Patches) -> None:
    """A read waits for the instance that was asked, however long that is silent."""

    def start_if_due(self: reads.Reads, question: reads.Question, course: reads._Course) -> None:
        if not course.running:
            original(self, question, course)
        elif self._clock() >= course.hedge_at:
            misbehaved(f"waits for {list(course.running.values())}")

    original = patches.replace(reads.Reads, "_start_if_due", start_if_due)


@mutant(Promise.FRESH_READS, "primary-killed", "read-your-writes", is_sample=True)
def acknowledgement_not_noted(patches: Patches) -> None:
    """What was acknowledged is not noted, so an instance that catches up is read too early."""

    def acknowledge(self: Lane, entry: Entry) -> None:
        misbehaved(f"does not note {entry}")

    def seen_elsewhere(self: Lane, instance: str) -> int:
        return 0

    patches.replace(lanes.Lane, "acknowledge", acknowledge)
    patches.replace(lanes.Lane, "_seen_elsewhere", seen_elsewhere)

"""Mutants of merging: what travels together, and what each client is told of it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import msgspec

from lb import delivery, lanes
from lb.delivery import Delivery
from lb.executor import Execution, Executor
from lb.lanes import Lane
from lb.merging import Window, WindowLimits
from lb.model import Answer, Entry
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.MERGING, "primary-killed", "convergence")
def merged_and_forgotten(patches: Patches) -> None:
    """Of entries that travel together the last one is counted, and not sent."""

    def pack(entries: Sequence[Entry], bodies: Sequence[bytes], most_documents: int) -> Window:
        whole: Window = original(entries, bodies, most_documents)
        if len(whole) == 1:
            return whole
        misbehaved(f"{len(whole)} entries without the last")
        some = len(whole) - 1
        return replace(whole, body=original(entries[:some], bodies[:some], most_documents).body)

    original = patches.replace(delivery, "pack", pack)


@mutant(Promise.MERGING, "crowded-and-refused", "durability")
def merged_failure_answered_as_success(patches: Patches) -> None:
    """A merged request that was refused counts as done for all who were in it."""

    async def execute(
        self: Executor, collection: object, window: Window, *, is_decided: bool
    ) -> Execution:
        execution: Execution = await original(self, collection, window, is_decided=is_decided)
        if len(window) == 1 or execution.answer.is_success:
            return execution
        misbehaved(f"takes {len(window)} refused entries for done")
        return replace(execution, answer=Answer(201, b"{}"))

    original = patches.replace(Executor, "execute", execute)


@mutant(Promise.MERGING, "crowded-and-refused", "availability")
def one_refusal_for_all(patches: Patches) -> None:
    """A merged request that was refused is answered so to all who were in it."""

    def is_to_be_split(self: Delivery, window: Window, answer: Answer) -> bool:
        if len(window) > 1 and not answer.is_success:
            misbehaved(f"refuses {len(window)} entries for one of them")
        return False

    def answers(self: Window, answer: Answer) -> list[Answer]:
        told: list[Answer] = original(self, answer) if answer.is_success else [answer] * len(self)
        return told

    patches.replace(Delivery, "_is_to_be_split", is_to_be_split)
    original = patches.replace(Window, "answers", answers)


@mutant(Promise.MERGING, "crowded", "durability phantom")
def rows_mixed_up(patches: Patches) -> None:
    """The first two documents of a merged request get each other's id."""

    def pack(entries: Sequence[Entry], bodies: Sequence[bytes], most_documents: int) -> Window:
        whole: Window = original(entries, bodies, most_documents)
        if len(whole) == 1:
            return whole
        columns = msgspec.json.decode(whole.body, type=dict[str, list[msgspec.Raw]])
        first, second, *others = columns["ids"]
        columns["ids"] = [second, first, *others]
        misbehaved(f"mixes up two of {len(columns['ids'])} documents")
        return replace(whole, body=msgspec.json.encode(columns))

    original = patches.replace(delivery, "pack", pack)


@mutant(Promise.ONE_ORDER, "primary-killed", "convergence")
def window_over_what_is_between(patches: Patches) -> None:
    """Writes of one kind are gathered into a window over those of another kind between them."""

    def choose_window(lane: Lane, instance: str, limits: WindowLimits, now: float) -> list[Entry]:
        window: list[Entry] = original(lane, instance, limits, now)
        queue = lane.queues[instance]
        later = [
            entry
            for entry in islice(queue, len(window), None)
            if lanes.is_alike(window[-1], entry, now)
        ]
        if not later or later == list(islice(queue, len(window), len(window) + len(later))):
            return window
        misbehaved(f"{len(later)} entries before others of {lane}")
        for entry in later:
            queue.remove(entry)
        for place, entry in enumerate(later, start=len(window)):
            queue.insert(place, entry)
        return window + later

    original = patches.replace(delivery, "choose_window", choose_window)

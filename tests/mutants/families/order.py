"""Mutants of the order in which an instance applies a lane."""

import asyncio
from dataclasses import replace

from lb import delivery, lanes
from lb.catalogue import Collection
from lb.executor import Execution, Executor
from lb.lanes import Lane
from lb.log_reader import body_in_memory
from lb.log_tail import LogTail
from lb.merging import Window, WindowLimits, pack
from lb.model import Entry
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.ONE_ORDER, "primary-killed", "convergence")
def lane_out_of_order(patches: Patches) -> None:
    """An instance that is behind is given the newest entries first."""

    def append(self: Lane, entry: Entry) -> None:
        original(self, entry)
        for queue in self.queues.values():
            if len(queue) > 2 and queue[-1] is entry:
                misbehaved(f"{entry} before {len(queue) - 2} others")
                queue.pop()
                queue.insert(1, entry)

    original = patches.replace(lanes.Lane, "append", append)


@mutant(Promise.ONE_ORDER, "primary-killed", "convergence")
def two_windows_at_once(patches: Patches) -> None:
    """The entry after the one that is being applied is sent without waiting for it."""
    early: dict[tuple[str, int], asyncio.Task[Execution]] = {}

    async def execute(
        self: Executor, collection: Collection, window: Window, *, is_decided: bool
    ) -> Execution:
        instance = self._upstream.instance.name
        if (sent := early.pop((instance, window.first.position), None)) is not None:
            return await sent
        following = next_after(collection.lane, instance, window.last)
        if following is not None and (next_body := body_in_memory(following)) is not None:
            misbehaved(f"{following} to {instance} beside {window.last}")
            second = pack([following], [next_body], 1)
            early[instance, following.position] = asyncio.create_task(
                original(self, collection, second, is_decided=is_decided),
                name="the second window",
            )
            # Nothing orders them on their way: here the second one is quicker.
            await asyncio.sleep(0.01)
        execution: Execution = await original(self, collection, window, is_decided=is_decided)
        return execution

    def choose_window(lane: Lane, instance: str, limits: WindowLimits, now: float) -> list[Entry]:
        return lanes.choose_window(lane, instance, replace(limits, entries=1), now)

    original = patches.replace(Executor, "execute", execute)
    patches.replace(delivery, "choose_window", choose_window)
    keep_bodies(patches)


def next_after(lane: Lane, instance: str, entry: Entry) -> Entry | None:
    """Return the entry that comes after one that has an outcome already."""
    queue = lane.queues.get(instance)
    if queue is None or len(queue) < 2 or queue[0] is not entry or queue[1].outcome is None:
        return None
    return queue[1]


def keep_bodies(patches: Patches) -> None:
    """Have bodies stay in memory, where the mutant finds them."""

    def release_body(self: LogTail, entry: Entry) -> None:
        del self, entry

    patches.replace(LogTail, "release_body", release_body)

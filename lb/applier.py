"""One instance's applier: sends it the entries of every lane, in order, one window at a time.

decide (pure) -> deliver: execute on the instance -> settle (answers clients) -> commit the cursor
"""

import asyncio
from collections.abc import Callable, Coroutine

from lb.catalogue import Collection
from lb.delivery import Delivery, Machinery
from lb.instances import Instance
from lb.lanes import Decision, Step, decide
from lb.model import Entry
from lb.upstream import Upstream


class Applier:
    """Drives one instance through the log. `settled` is the barrier after a write was given up.

    Invariant: an entry is sent only when the cursor before it is committed, and the cursor moves
    only on a definite answer. So a crash leaves at most one window per lane in doubt here.
    """

    def __init__(
        self,
        upstream: Upstream,
        machinery: Machinery,
        settled: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        self.instance: Instance = upstream.instance
        self._m = machinery
        self._settled = settled
        self._delivery = Delivery(upstream, machinery, settled)
        self._timers: dict[Collection, asyncio.TimerHandle] = {}
        self._behind_barrier: list[Collection] = []
        self._is_stopped = False

    def poke_all(self) -> None:
        """Look at every lane with a backlog; called when an instance's state changed."""
        lagging = self._m.tail.lagging(self.instance.name)
        for collection in self._m.ailments.crashes.in_turn(self.instance.name, lagging):
            self.poke(collection)

    def poke(self, collection: Collection) -> None:
        """Do what the lane needs now, if anything."""
        if self._is_stopped:
            return
        decision = decide(
            collection.lane,
            self.instance.name,
            self._is_able,
            self._m.clock(),
            self._hedge_seconds(),
        )
        if decision.entry is None or decision.step in (Step.IDLE, Step.WAIT):
            return
        if decision.step is Step.HEDGE:
            self._ask_again(collection, decision)
            return
        collection.lane.busy.add(self.instance.name)
        self._m.ailments.crashes.begin(self.instance.name, collection)
        work = self._delivery.send if decision.step is Step.SEND else self._delivery.skip
        name = f"{decision.step.name.lower()} {decision.entry.position} to {self.instance.name}"
        self._m.spawn(self._finish(collection, work(collection, decision.entry)), name)

    def raise_barrier(self) -> None:
        """Send nothing of what is unapplied now until canary writes have settled.

        What a predecessor that crashed had sent may still be in flight until then.
        """
        self._behind_barrier = list(self._m.tail.lagging(self.instance.name))
        for collection in self._behind_barrier:
            collection.lane.busy.add(self.instance.name)
        if self._behind_barrier:
            self._m.spawn(self._lower_barrier(), f"barrier of {self.instance.name}")

    async def _lower_barrier(self) -> None:
        await self._settled()
        held, self._behind_barrier = self._behind_barrier, []
        for collection in held:
            collection.lane.busy.discard(self.instance.name)
            self._m.tail.on_change(collection)
        self._m.tail.notify()

    @property
    def is_behind_barrier(self) -> bool:
        """Whether something that a predecessor sent may still arrive."""
        return bool(self._behind_barrier)

    def stop(self) -> None:
        """Send nothing more; what was sent may still be answered."""
        self._is_stopped = True
        for collection in self._behind_barrier:
            collection.lane.busy.discard(self.instance.name)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _is_able(self, name: str, entry: Entry) -> bool:
        tail = self._m.tail
        able = tail.fleet[name].is_serving and tail.is_in_turn(entry, name)
        able = able and tail.is_name_free(entry, name) and self._m.lead.is_confirmed
        return able and self._m.ailments.crashes.may_send(
            name, entry, others_serve=tail.is_served_elsewhere(entry, name)
        )

    def _hedge_seconds(self) -> float:
        longest = self._m.hedge_max_seconds
        serving = [other for other in self._m.tail.fleet if other.is_serving]
        return max(
            (other.write_latency.hedge_seconds(longest) for other in serving), default=longest
        )

    def _ask_again(self, collection: Collection, decision: Decision) -> None:
        if (timer := self._timers.pop(collection, None)) is not None:
            timer.cancel()
        delay = max(0.0, decision.at - self._m.clock())
        loop = asyncio.get_running_loop()
        self._timers[collection] = loop.call_later(delay, self._on_timer, collection)

    def _on_timer(self, collection: Collection) -> None:
        self._timers.pop(collection, None)
        self.poke(collection)

    async def _finish(self, collection: Collection, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        finally:
            collection.lane.busy.discard(self.instance.name)
            others_waited = self._m.ailments.crashes.finish(self.instance.name, collection)
            self._m.tail.notify()
        if others_waited:
            self.poke_all()
        self._m.tail.on_change(collection)

"""One instance's applier: sends it the entries of every lane, in order, one window at a time.

decide (pure) -> execute on the instance -> settle (answers the client) -> commit the cursor
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from lb.ailments import Ailments
from lb.catalogue import Collection
from lb.errors import (
    BrokenMappingError,
    InstanceError,
    InstanceUnreachableError,
    RequestGivenUpError,
    ServerFailedError,
)
from lb.executor import Execution, Executor
from lb.failpoints import reach
from lb.instances import Instance
from lb.lanes import Decision, Step, decide, follow_window
from lb.leader import Lead
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.merging import MOST_BYTES, MOST_ENTRIES, merge
from lb.model import STRUCTURAL, Advance, Entry, Progress, Settlement
from lb.quarantine import Quarantine
from lb.upstream import Upstream, describe
from lb.wal import Wal

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Machinery:
    """What all appliers share.

    `spawn` runs a named, supervised task; `doubt` has a collection on an instance compared later.
    """

    tail: LogTail
    wal: Wal
    reader: LogReader
    spawn: Callable[[Coroutine[None, None, None], str], None]
    clock: Callable[[], float]
    hedge_max_seconds: float
    doubt: Callable[[Collection, str], None]
    lead: Lead
    quarantine: Quarantine
    ailments: Ailments


class Applier:
    """Drives one instance through the log. `settled` is the barrier after a write was given up.

    Invariant: an entry is sent only when the cursor before it is committed, and the cursor moves
    only on a definite answer. So a crash leaves at most one entry per lane in doubt here.
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
        self._executor = Executor(upstream, self._resolve)
        self._timers: dict[Collection, asyncio.TimerHandle] = {}
        self._failures: dict[Collection, int] = {}
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
        work = self._send if decision.step is Step.SEND else self._skip
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

    async def _send(self, collection: Collection, entry: Entry) -> None:
        lane, name = collection.lane, self.instance.name
        if not lane.is_member(name):
            return  # It left between the decision and this task's first turn.
        is_decided = entry.outcome is not None
        window, body = await self._window(collection, entry)
        was_refused = entry.outcome is not None and not entry.outcome.has_effect
        if not lane.is_member(name) or entry.is_held or was_refused:
            return  # It left, or the entry was accused or refused elsewhere, meanwhile.
        was_failing = self.instance.canary_failed or name in lane.broken
        if entry.first_sent_at is None:
            entry.first_sent_at = self._m.clock()
            self._m.tail.on_change(collection)
        for each in window:
            each.attempts += each.outcome is None
            lane.mark_sent(name, each)
        self.instance.sync_cycles += 1
        try:
            await reach("before-send", *window, instance=name)
            execution = await self._executor.execute(collection, entry, body, is_decided=is_decided)
            await reach("after-send", *window, instance=name)
            self._check_agreement(entry, execution)
        except InstanceError as error:
            await self._fail(collection, window, error, was_failing=was_failing)
            return
        self._failures.pop(collection, None)
        if not lane.is_member(name):
            return  # It has left meanwhile: what it did there is to be deleted.
        lane.broken.discard(name)
        self.instance.successful_syncs += len(window)
        await self._note_outcome(collection, window, execution)

    async def _fail(
        self,
        collection: Collection,
        window: list[Entry],
        error: InstanceError,
        *,
        was_failing: bool,
    ) -> None:
        """Tell whoever is concerned that a window has no definite answer."""
        entry, lane, name = window[0], collection.lane, self.instance.name
        is_done_elsewhere = entry.outcome is not None and entry.outcome.is_success
        is_given_up = isinstance(error, RequestGivenUpError)
        if isinstance(error, InstanceUnreachableError) and not is_given_up:
            self._m.ailments.crashes.note_broken(collection, entry, name, error.cause)
        self._note_failure(collection, window, error)
        if isinstance(error, BrokenMappingError):
            self.instance.on_missing()
        if is_done_elsewhere and (is_given_up or isinstance(error, ServerFailedError)):
            self._m.ailments.note(collection, name, error.cause)
        if isinstance(error, ServerFailedError):
            await self._m.quarantine.accuse(
                collection,
                entry,
                error,
                was_failing=was_failing,
                is_repeated=self._failures[collection] > 1 or name in lane.broken,
            )
        if is_given_up:
            self._m.doubt(collection, name)
            await self._settled()

    async def _window(self, collection: Collection, entry: Entry) -> tuple[list[Entry], bytes]:
        """Choose which entries travel together, and what is sent for them."""
        lane, name = collection.lane, self.instance.name
        window = follow_window(lane, name, MOST_ENTRIES, MOST_BYTES)
        if entry.position <= lane.singly_until.get(name, 0):
            window = window[:1]
        bodies = await self._m.reader.bodies(window)
        body, count = merge(bodies)
        return window[:count], body

    async def _skip(self, collection: Collection, entry: Entry) -> None:
        self._failures.pop(collection, None)
        if not collection.lane.is_member(self.instance.name):
            return
        collection.lane.mark_applied(self.instance.name, entry)
        await self._m.wal.record(Progress(advance=self._advance_to(entry)))
        await reach("after-cursor", entry, instance=self.instance.name)
        if collection.lane.is_member(self.instance.name):
            self._m.tail.advance(collection, self.instance.name, entry)

    def _check_agreement(self, entry: Entry, execution: Execution) -> None:
        """Report when this instance and the one that gave the outcome disagree.

        One that refuses what another applied does not go on. One that applied what another
        refused does, but the difference is on record.
        """
        outcome, answer = entry.outcome, execution.answer
        if outcome is None or outcome.is_success == answer.is_success:
            return
        did, other = ("applied", "refused") if answer.is_success else ("refused", "applied")
        raise InstanceError(
            self.instance.name,
            f"{did} entry {entry.position}, which another instance {other}: {describe(answer)}",
        )

    def _note_failure(
        self, collection: Collection, window: list[Entry], error: InstanceError
    ) -> None:
        entry = window[0]
        for each in window:
            each.in_doubt.add(self.instance.name)
        if len(window) > 1 and not isinstance(error, InstanceUnreachableError):
            collection.lane.singly_until[self.instance.name] = window[-1].position
        self.instance.failed_syncs += 1
        self.instance.last_error = error.cause
        failures = self._failures.get(collection, 0)
        self._failures[collection] = failures + 1
        delay = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures, 10))
        collection.lane.retry_at[self.instance.name] = self._m.clock() + delay
        log.log(
            logging.INFO if failures else logging.WARNING,
            "entry %s has no outcome on %s yet: %s",
            entry.position,
            self.instance.name,
            error.cause,
        )
        if not collection.lane.is_member(self.instance.name):
            collection.lane.retry_at.pop(self.instance.name, None)
        unreachable = isinstance(error, InstanceUnreachableError)
        if unreachable and not isinstance(error, RequestGivenUpError):
            self.instance.suspect(error.cause)

    async def _note_outcome(
        self, collection: Collection, window: list[Entry], execution: Execution
    ) -> None:
        """Settle in memory first, so that the client is answered, then commit, then move on."""
        entry, name, tail = window[0], self.instance.name, self._m.tail
        mapping = None
        if execution.uuid != collection.uuids.get(name):
            mapping = tail.catalogue.map(collection, name, execution.uuid)
        collection.lane.mark_applied(name, window[-1])
        first = tail.settle(collection, entry, execution.answer)
        if first:
            for slower in collection.lane.busy - {name}:
                tail.fleet[slower].doubt()
        await self._m.wal.record(
            Progress(
                advance=self._advance_to(window[-1]),
                settlement=(settlement_of(entry) if first else None),
                mapping=mapping,
                collection=(collection.as_change() if first and entry.kind in STRUCTURAL else None),
            )
        )
        await reach("after-cursor", *window, instance=name)
        if not collection.lane.is_member(name):
            return
        for each in window[:-1]:
            tail.advance(collection, name, each)
        if tail.advance(collection, name, window[-1]):
            await self._m.wal.record(Progress(collection=collection.as_change()))

    def _advance_to(self, entry: Entry) -> Advance:
        return Advance(entry.lane_id, self.instance.name, entry.position, entry)

    async def _resolve(self, entry: Entry, body: bytes) -> bytes:
        """Make an entry's repeatable form durable before any instance sees it; the first wins."""
        await reach("before-resolve", entry, instance=self.instance.name)
        repeatable = body if entry.resolved_body is None else entry.resolved_body
        entry.resolved_body = repeatable
        await self._m.wal.record(Progress(resolved=(entry.position, repeatable)))
        await reach("after-resolve", entry, instance=self.instance.name)
        return repeatable


def settlement_of(entry: Entry) -> Settlement:
    """Return the outcome that an entry has just got, as it is to be written."""
    assert entry.outcome is not None
    assert entry.settled_at is not None
    return Settlement(
        entry.position, entry.outcome, entry.attempts, entry.told_to_wait, entry.settled_at
    )

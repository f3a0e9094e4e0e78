"""One window's way to one instance: chosen, merged, sent, settled, and the cursor committed.

Knows what follows from an answer, or from none; when a lane's turn comes is the applier's.
"""

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

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
from lb.lanes import FOLLOWERS_REST, choose_window
from lb.leader import Lead
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.logs import about
from lb.merging import Window, WindowLimits, pack
from lb.model import STRUCTURAL, Advance, Answer, Entry, Progress, Settlement
from lb.quarantine import Quarantine
from lb.upstream import Upstream, describe
from lb.wal import Wal

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Machinery:
    """What all appliers share.

    `spawn` runs a named, supervised task; `doubt` has a collection on an instance compared later;
    `limits` tells how large a window may be now. `is_follower_paced`: no client waits for those
    that follow.
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
    limits: Callable[[], WindowLimits]
    is_follower_paced: bool = True


class Delivery:
    """Delivers windows to one instance. `settled` is the barrier after a write was given up.

    Invariant: the cursor moves only on a definite answer, and is committed before the call
    returns. So a crash leaves at most one window per lane in doubt here.
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
        self._failures: dict[Collection, int] = {}

    async def send(self, collection: Collection, entry: Entry) -> None:
        """Send a window that begins with the entry, and take in what becomes of it."""
        lane, name = collection.lane, self.instance.name
        if not lane.is_member(name):
            return  # It left between the decision and this task's first turn.
        is_decided = entry.outcome is not None
        if not is_decided and not await self._is_sound(collection, entry):
            return  # Others are asked first now; where there are none it is sent all the same.
        window = await self._window(collection, is_decided=is_decided)
        was_refused = entry.outcome is not None and not entry.outcome.has_effect
        if not lane.is_member(name) or entry.is_held or was_refused:
            return  # It left, or the entry was accused or refused elsewhere, meanwhile.
        was_failing = self.instance.canary_failed or name in lane.broken
        self._note_sent(collection, window)
        sent_at = self._m.clock()
        try:
            await reach("before-send", *window.entries, instance=name)
            execution = await self._executor.execute(collection, window, is_decided=is_decided)
            await reach("after-send", *window.entries, instance=name)
            seconds = self._m.clock() - sent_at
            self.instance.on_window(len(window), seconds)
            if self._is_to_be_split(window, execution.answer):
                lane.singly_until[name] = window.last.position
                return
            answers = window.answers(execution.answer)
            for each, answer in zip(window.entries, answers, strict=True):
                self._check_agreement(each, answer)
        except InstanceError as error:
            await self._fail(collection, window, error, was_failing=was_failing)
            return
        finally:
            lane.in_flight.pop(name, None)
        self._failures.pop(collection, None)
        if not lane.is_member(name):
            return  # It has left meanwhile: what it did there is to be deleted.
        if is_decided and self._m.is_follower_paced:
            lane.follow_at[name] = self._m.clock() + FOLLOWERS_REST * seconds
        lane.broken.discard(name)
        lane.tested[name] = self.instance.returns
        self.instance.successful_syncs += len(window)
        await self._note_outcome(collection, window, execution, answers)

    async def _is_sound(self, collection: Collection, entry: Entry) -> bool:
        """Try the collection before it gets what no instance has done, if this one was away.

        How long others wait before they are asked as well counts from now.
        """
        self._note_begun(collection, (entry,))
        return await self._m.quarantine.test(collection, self.instance)

    def _note_sent(self, collection: Collection, window: Window) -> None:
        lane, name = collection.lane, self.instance.name
        for each in window.entries:
            each.attempts += each.outcome is None
            lane.mark_sent(name, each)
        lane.in_flight[name] = window.entries
        self.instance.sync_cycles += 1
        self._note_begun(collection, window.entries)

    def _note_begun(self, collection: Collection, entries: Sequence[Entry]) -> None:
        is_first = entries[0].first_sent_at is None
        for each in entries:
            if each.first_sent_at is None:
                each.first_sent_at = self._m.clock()
        if is_first:
            self._m.tail.on_change(collection)

    def _is_to_be_split(self, window: Window, answer: Answer) -> bool:
        """Tell whether a merged request was refused: a refusal is one client's, not all's.

        It had no effect that the first of its entries alone would not have: see `docs/merging.md`.
        """
        return len(window) > 1 and not answer.is_success

    async def _window(self, collection: Collection, *, is_decided: bool) -> Window:
        """Choose which entries travel together, and what is sent for them.

        Those that another instance has answered while bodies were read stay behind.
        """
        lane, name, limits = collection.lane, self.instance.name, self._m.limits()
        chosen = choose_window(lane, name, limits, self._m.clock())
        bodies = await self._m.reader.bodies(chosen)
        alike = takewhile(
            lambda each: (each.outcome is not None) is is_decided and not each.is_held, chosen[1:]
        )
        entries = [chosen[0], *alike]
        return pack(entries, bodies[: len(entries)], limits.documents)

    async def _fail(
        self,
        collection: Collection,
        window: Window,
        error: InstanceError,
        *,
        was_failing: bool,
    ) -> None:
        """Tell whoever is concerned that a window has no definite answer."""
        entry, lane, name = window.first, collection.lane, self.instance.name
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
                window.entries,
                error,
                was_failing=was_failing,
                is_repeated=self._failures[collection] > 1 or name in lane.broken,
            )
        if is_given_up:
            self._m.doubt(collection, name)
            await self._settled()

    async def skip(self, collection: Collection, entry: Entry) -> None:
        """Move past an entry that was refused everywhere."""
        self._failures.pop(collection, None)
        if not collection.lane.is_member(self.instance.name):
            return
        collection.lane.mark_applied(self.instance.name, entry)
        await self._m.wal.record(Progress(advance=self._advance_to(entry)))
        await reach("after-cursor", entry, instance=self.instance.name)
        if collection.lane.is_member(self.instance.name):
            self._m.tail.advance(collection, self.instance.name, entry)

    def _check_agreement(self, entry: Entry, answer: Answer) -> None:
        """Report when this instance and the one that gave the outcome disagree.

        One that refuses what another applied does not go on. One that applied what another
        refused does, but the difference is on record.
        """
        outcome = entry.outcome
        if outcome is None or outcome.is_success == answer.is_success:
            return
        did, other = ("applied", "refused") if answer.is_success else ("refused", "applied")
        raise InstanceError(
            self.instance.name,
            f"{did} entry {entry.position}, which another instance {other}: {describe(answer)}",
        )

    def _note_failure(self, collection: Collection, window: Window, error: InstanceError) -> None:
        entry = window.first
        for each in window.entries:
            each.in_doubt.add(self.instance.name)
        if len(window) > 1 and not isinstance(error, InstanceUnreachableError):
            collection.lane.singly_until[self.instance.name] = window.last.position
        self.instance.failed_syncs += 1
        self.instance.last_error = error.cause
        failures = self._failures.get(collection, 0)
        self._failures[collection] = failures + 1
        delay = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures, 10))
        collection.lane.retry_at[self.instance.name] = self._m.clock() + delay
        collection.lane.follow_at.pop(self.instance.name, None)
        log.log(
            logging.INFO if failures else logging.WARNING,
            "entry %s has no outcome on %s yet: %s",
            entry.position,
            self.instance.name,
            error.cause,
            extra=about(entry),
        )
        if not collection.lane.is_member(self.instance.name):
            collection.lane.retry_at.pop(self.instance.name, None)
        unreachable = isinstance(error, InstanceUnreachableError)
        if unreachable and not isinstance(error, RequestGivenUpError):
            self.instance.suspect(error.cause)

    async def _note_outcome(
        self,
        collection: Collection,
        window: Window,
        execution: Execution,
        answers: list[Answer],
    ) -> None:
        """Settle in memory first, so that clients are answered, then commit, then move on."""
        entry, last, name, tail = window.first, window.last, self.instance.name, self._m.tail
        mapping = None
        if execution.uuid != collection.uuids.get(name):
            mapping = tail.catalogue.map(collection, name, execution.uuid)
        collection.lane.mark_applied(name, last)
        now = datetime.now(UTC)
        for each in window.entries:
            self.instance.on_replicated((now - each.logged_at).total_seconds())
        first = [
            each
            for each, answer in zip(window.entries, answers, strict=True)
            if tail.settle(collection, each, answer)
        ]
        if first:
            for slower in collection.lane.busy - {name}:
                tail.fleet[slower].doubt()
        is_awaited = len(collection.lane.queues[name]) > len(window) or entry.kind in STRUCTURAL
        record = self._m.wal.record if is_awaited else self._m.wal.record_soon
        await record(
            Progress(
                advance=self._advance_to(last),
                mapping=mapping,
                collection=(collection.as_change() if first and entry.kind in STRUCTURAL else None),
            ),
            *(Progress(settlement=settlement_of(each)) for each in first),
        )
        await reach("after-cursor", *window.entries, instance=name)
        if not collection.lane.is_member(name):
            return
        for each in window.entries[:-1]:
            tail.advance(collection, name, each)
        if tail.advance(collection, name, last):
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

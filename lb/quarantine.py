"""The quarantine: entries that may be what breaks an instance are kept from all the others.

An applier accuses an entry that got a 5xx; canary writes on that instance are the evidence. The
rule itself is in `suspicion`; here it is applied, made durable, and administrators are heard.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from lb import payloads
from lb.catalogue import Collection
from lb.errors import NotFoundError, NotQuarantinedError, ServerFailedError
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.logs import about
from lb.model import (
    OF_NAMESPACES,
    Answer,
    CollectionState,
    Entry,
    Failure,
    Kind,
    Progress,
    Settlement,
    Standing,
    Suspicion,
)
from lb.suspicion import CanaryAnswer, CanaryResult, judge
from lb.wal import Wal

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
IMPLICATED_SECONDS = 1.0
"""How long others wait for what is in flight on an instance that has just failed a write.

Measured: a poisoned Chroma fails all that is in flight within 12 ms.
"""


class Quarantine:
    """Holds suspects and what is quarantined.

    Invariant: from the moment of its 5xx an entry is held (`Entry.is_held`), and nothing but
    evidence, an outcome that was under way, or an administrator ends that; a restart does not.
    """

    def __init__(
        self,
        tail: LogTail,
        wal: Wal,
        clock: Callable[[], float],
        doubt: Callable[[Collection, str], None],
        ask_collection: Callable[[Collection, str], Awaitable[CanaryAnswer]],
    ) -> None:
        self._tail = tail
        self._wal = wal
        self._clock = clock
        self._doubt = doubt
        self._ask_collection = ask_collection
        self._canaries: dict[str, CanaryAnswer] = {}
        self._suspects: dict[Entry, Collection] = {}
        self._quarantined: dict[Entry, Collection] = {}
        self._wake = asyncio.Event()
        for collection in tail.unfinished():
            for entry in {entry for queue in collection.lane.queues.values() for entry in queue}:
                self._restore(collection, entry)

    def __len__(self) -> int:
        return len(self.quarantined())

    def quarantined(self) -> list[tuple[Entry, Collection]]:
        """Return what only an administrator can send on, in the order of the log."""
        held = [(entry, c) for entry, c in self._quarantined.items() if entry.is_held]
        return sorted(held, key=lambda each: each[0].position)

    async def accuse(
        self,
        collection: Collection,
        entries: Sequence[Entry],
        error: ServerFailedError,
        *,
        was_failing: bool,
        is_repeated: bool,
    ) -> None:
        """Hold entries that got a 5xx together; returns when that is durable.

        The instance is tested. Any of the entries may be the culprit. `is_repeated`: it is not the
        first failure in a row of that lane there.
        """
        now, at = self._clock(), datetime.now(UTC)
        undecided = [entry for entry in entries if entry.outcome is None]
        if not undecided and is_repeated and not self._tail.fleet[error.instance].write_error:
            return  # The instance is well: what it has against these writes is no news.
        for entry in undecided:
            failure = Failure(error.instance, error.cause, at, now, was_failing)
            entry.suspicion = with_failure(entry.suspicion, failure)
        # What is in flight there may be the culprit as well: held before the instance is avoided.
        self._implicate(self._tail.fleet[error.instance], now)
        self._tail.fleet[error.instance].fail_write(error.cause)
        held = [entry for entry in entries if entry.is_held]
        if not held:
            return
        await self._wal.record(*(Progress(suspicion=(e.position, e.suspicion)) for e in held))
        self._suspects |= {e: collection for e in held if e not in self._quarantined}
        self._wake.set()

    async def test(self, collection: Collection, instance: Instance) -> bool:
        """Tell whether the instance takes a harmless write of the collection since it is back.

        One that was away may have come back with a torn index. Then it fails every write of the
        collection, and whichever comes first would be accused of what a kill has done.
        """
        lane, name = collection.lane, instance.name
        if lane.tested.get(name) == instance.returns or collection.uuids.get(name) is None:
            return True
        returns = instance.returns
        answer = await self._ask_collection(collection, name)
        if answer.result is CanaryResult.SILENT:
            return True  # It proves nothing.
        lane.tested[name] = returns
        if answer.result is CanaryResult.FAILED:
            lane.broken.add(name)
        return answer.result is not CanaryResult.FAILED

    def note_canary(self, instance: str, answer: CanaryAnswer) -> None:
        """Take evidence in."""
        self._canaries[instance] = answer
        self._wake.set()

    async def run(self) -> None:
        """Judge suspects until cancelled."""
        while True:
            self._wake.clear()
            await self._judge_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()

    async def release(self, transaction_id: str) -> Entry:
        """Have an entry sent on; raises `NotFoundError` and `NotQuarantinedError`."""
        entry, collection = self._take(transaction_id)
        log.warning("%s is released from quarantine", entry, extra=about(entry))
        await self._wal.record(Progress(suspicion=(entry.position, None)))
        # One instance gets it first, as if it were new.
        entry.suspicion, entry.first_sent_at = None, None
        self._tail.on_change(collection)
        return entry

    async def discard(self, transaction_id: str) -> Entry:
        """Give an entry a failure as its outcome everywhere, and compare where it may be.

        Raises `NotFoundError` and `NotQuarantinedError`.
        """
        entry, collection = self._find(transaction_id)
        if entry.kind is Kind.DROP or entry.kind in OF_NAMESPACES:
            raise NotQuarantinedError(f"{entry.kind} cannot be discarded, only released")
        lane = collection.lane
        for name in lane.busy:
            if lane.next_entry(name) is entry or entry in lane.in_flight.get(name, ()):
                raise NotQuarantinedError(f"{name} has the write now and may yet answer; try again")
        self._take(transaction_id)
        log.warning("%s is discarded from quarantine", entry, extra=about(entry))
        answer = Answer(
            500, payloads.error_body("Discarded", "an administrator discarded the write")
        )
        settlement = Settlement(entry.position, answer, entry.attempts, entry.told_to_wait)
        # In one commit: a crash between two would leave a name taken by nothing for ever.
        failed = entry.kind is Kind.CREATE and collection.as_change(CollectionState.FAILED)
        await self._wal.record(Progress(settlement=settlement, collection=failed or None))
        self._tail.settle(collection, entry, answer)
        for instance in entry.in_doubt:
            self._doubt(collection, instance)
        self._tail.on_change(collection)
        return entry

    def _restore(self, collection: Collection, entry: Entry) -> None:
        if entry.is_held and entry.suspicion is not None:
            quarantined = entry.suspicion.standing is Standing.QUARANTINED
            (self._quarantined if quarantined else self._suspects)[entry] = collection

    def _implicate(self, instance: Instance, now: float) -> None:
        for collection in self._tail.lagging(instance.name):
            lane, name = collection.lane, instance.name
            head = lane.next_entry(name)
            about_to_go = (head,) if head is not None and name in lane.busy else ()
            for entry in (*about_to_go, *lane.in_flight.get(name, ())):
                entry.implicated_until = now + IMPLICATED_SECONDS

    async def _judge_all(self) -> None:
        notes: list[Progress] = []
        asked: dict[tuple[Collection, str], CanaryAnswer] = {}
        for entry, collection in tuple(self._suspects.items()):
            if not entry.is_held or entry.suspicion is None:
                del self._suspects[entry]
                continue
            evidence = await self._evidence(collection, entry.suspicion, asked)
            if not entry.is_held or entry.suspicion is None:
                continue  # Another instance has answered it, or it was released, meanwhile.
            verdict = judge(entry.suspicion, evidence, self._clock())
            if verdict.standing is Standing.SUSPECT:
                entry.suspicion = verdict
                continue
            del self._suspects[entry]
            entry.suspicion = replace(verdict, since=datetime.now(UTC))
            notes.append(Progress(suspicion=(entry.position, entry.suspicion)))
            if verdict.standing is Standing.QUARANTINED:
                self._quarantined[entry] = collection
                log.error("%s is quarantined: %s", entry, verdict.reason, extra=about(entry))
            else:
                entry.implicated_until = 0.0
                self._tail.on_change(collection)
        if notes:
            await self._wal.record(*notes)

    async def _evidence(
        self,
        collection: Collection,
        suspicion: Suspicion,
        asked: dict[tuple[Collection, str], CanaryAnswer],
    ) -> dict[str, CanaryAnswer]:
        """Return the last canary writes; where one was taken, try the collection as well.

        `asked` is what collections were answered in this round: many suspects share one.
        """
        evidence = dict(self._canaries)
        for each in suspicion.failures:
            canary = evidence.get(each.instance)
            taken = canary is not None and canary.result is CanaryResult.TAKEN
            if canary is None or not taken or canary.began_at < each.failed_at or each.excuse:
                continue
            answer = asked.get((collection, each.instance))
            if answer is None or answer.began_at < each.failed_at:
                answer = await self._ask_collection(collection, each.instance)
                asked[collection, each.instance] = answer
            if answer.result is CanaryResult.FAILED:
                collection.lane.broken.add(each.instance)
            if answer.result is CanaryResult.REFUSED:
                answer = replace(answer, result=CanaryResult.TAKEN)
            evidence[each.instance] = answer
        return evidence

    def _take(self, transaction_id: str) -> tuple[Entry, Collection]:
        """Claim an entry at once, so that nobody else decides on it meanwhile."""
        entry, collection = self._find(transaction_id)
        del self._quarantined[entry]
        return entry, collection

    def _find(self, transaction_id: str) -> tuple[Entry, Collection]:
        entry = self._tail.by_transaction(transaction_id)
        if entry is None:
            raise NotFoundError(f"transaction {transaction_id} is not in quarantine")
        if entry not in self._quarantined or not entry.is_held:
            raise NotQuarantinedError(f"transaction {transaction_id} is not in quarantine now")
        return entry, self._quarantined[entry]


def with_failure(suspicion: Suspicion | None, failure: Failure) -> Suspicion:
    """Return what is known after one more failure; what is quarantined stays so."""
    if suspicion is None:
        return Suspicion((failure,), Standing.SUSPECT, failure.at)
    failures = (*suspicion.failures, failure)
    if suspicion.standing is Standing.QUARANTINED:
        return replace(suspicion, failures=failures)
    return Suspicion(failures, Standing.SUSPECT, failure.at)

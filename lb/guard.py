"""The guard of the log: keeps a log away from instances that were written from another state of it.

    start, or an instance answers again --> read its mark --> judge --> let it serve, or refuse it
    each second in which the log went on, and at the end --> leave a mark on each that serves

What follows from a mark is decided in `marks`, which is pure.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lb.errors import InstanceError, LogMismatchError, NoInstanceError, TakeOverRefusedError
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.mark_requests import MarkRequests
from lb.marks import REFUSED, Fit, LogIdentity, Mark, cause_of, conflict
from lb.membership import Memberships
from lb.missing import has, is_expected_on
from lb.model import Progress
from lb.namespaces import Namespaces
from lb.upstream import Upstream
from lb.wal import Wal

log = logging.getLogger(__name__)

MARK_SECONDS = 1.0
"""How late a mark may be while the log goes on."""
MARKS_UNTIL_SURE = 30
"""How many marks in a row have to be taken before one without an answer is no longer awaited."""


class Watched:
    """One instance: the mark that it has, what that says, and what it is known to have taken."""

    def __init__(self, upstream: Upstream, timeout_seconds: float, noted: Mark | None) -> None:
        self.upstream = upstream
        self.requests = MarkRequests(upstream, timeout_seconds)
        self.fit = Fit.UNKNOWN
        self.found: Mark | None = None
        self.noted = noted
        self.returns = upstream.instance.returns
        """How often it had returned when it was looked at: it may come back as another."""
        self.unsure = 0
        """How many more marks are not noted: one without an answer may arrive late, over them."""
        self.one_at_a_time = asyncio.Lock()

    @property
    def instance(self) -> Instance:
        """The instance that is watched."""
        return self.upstream.instance


class LogGuard:
    """Says which instances belong to the log, and leaves on each how far the log has come.

    Invariant: nothing is sent to an instance, or read from it, before its mark was read and fits.
    """

    def __init__(
        self,
        identity: LogIdentity,
        upstreams: Mapping[str, Upstream],
        tail: LogTail,
        wal: Wal,
        memberships: Memberships,
        namespaces: Namespaces,
        timeout_seconds: float,
    ) -> None:
        self._identity = identity
        self._tail = tail
        self._wal = wal
        self._memberships = memberships
        self._namespaces = namespaces
        self._watched = {
            name: Watched(upstream, timeout_seconds, identity.noted.get(name))
            for name, upstream in upstreams.items()
        }
        self.conflict = ""
        """Why the log itself is not to be used; empty when it is."""
        self.has_looked = asyncio.Event()
        """Some instance's mark is known, or all have been asked."""
        self._was_right = False
        """At some time all instances answered, and none spoke against the log."""

    async def look_at_all(self) -> None:
        """Ask all instances at once, before clients are served."""

        async def look(name: str) -> None:
            with suppress(InstanceError):
                await self.check(name)

        await asyncio.gather(*(look(name) for name in self._watched))
        self.has_looked.set()

    async def run(self, from_log: str) -> None:
        """Leave marks until cancelled; take over from a log, if one is named, when that is due."""
        refusal = ""
        while True:
            await asyncio.sleep(MARK_SECONDS)
            if from_log and self.conflict:
                try:
                    await self.take_over(from_log)
                except (TakeOverRefusedError, NoInstanceError) as error:
                    if refusal != str(error):
                        log.warning("nothing is taken over from log %s: %s", from_log, error)
                    refusal = str(error)
            await self.leave_due_marks()

    async def leave_due_marks(self) -> None:
        """Leave a mark on each instance that serves, if the log has gone on since the last one."""
        await asyncio.gather(*(self._renew(each) for each in self._watched.values()))

    async def check(self, name: str) -> None:
        """Read an instance's mark, and refuse or readmit it; raises `InstanceError`."""
        watched = self._watched[name]
        async with watched.one_at_a_time:
            await self._look(watched)

    def check_log(self) -> None:
        """Raise `LogMismatchError` when the log is not to be used."""
        if self.conflict:
            raise LogMismatchError(f"{self.conflict}; nothing was done")

    async def take_over(self, from_log: str) -> None:
        """Have an empty log take over what instances hold that another log has written.

        Raises `TakeOverRefusedError` when that would lose or bring back anything, and
        `NoInstanceError` when an instance does not answer: then it is to be asked for again.
        """
        self._check_take_over(from_log)
        log.warning("this log takes over what log %s has written", from_log)
        refused = [each for each in self._watched.values() if each.fit in REFUSED]
        for watched in refused:
            try:
                async with watched.one_at_a_time:
                    await self._leave_mark(watched)
            except InstanceError as error:
                raise NoInstanceError(f"{error}; ask again when it answers") from error
        for watched in refused:
            watched.fit = Fit.FITS
        self._apply()

    def _check_take_over(self, from_log: str) -> None:
        if not self.conflict:
            raise TakeOverRefusedError("the log fits the instances: there is nothing to take over")
        unknown = [name for name, each in self._watched.items() if each.fit is Fit.UNKNOWN]
        if unknown:
            raise TakeOverRefusedError(f"{', '.join(unknown)} must answer before")
        if self._tail.end or any(True for _ in self._tail.catalogue):
            raise TakeOverRefusedError(
                "this log is not empty: what it holds is older than the instances, or of others. "
                "Begin with an empty database"
            )
        refused = [e.found for e in self._watched.values() if e.found and e.fit in REFUSED]
        writers = {str(mark.log) for mark in refused if mark.term != self._identity.term}
        if not writers <= {from_log}:
            raise TakeOverRefusedError(
                f"the instances were written from {', '.join(sorted(writers))}, not from {from_log}"
            )

    async def leave_marks(self) -> None:
        """Leave exactly where the log ends: this is our last word, whatever becomes of the log."""

        async def leave(watched: Watched) -> None:
            if not watched.instance.is_serving or not self._is_mark_due(watched):
                return
            with suppress(InstanceError):
                async with watched.one_at_a_time:
                    # One that another active load balancer has left since is not ours to replace.
                    found = await watched.requests.read()
                    if self._identity.judge(found, None) not in REFUSED:
                        await self._leave_mark(watched)

        await asyncio.gather(*(leave(each) for each in self._watched.values()))

    def describe(self) -> dict[str, Any]:
        """Describe which log this is, and what the instances' marks say of it."""
        return {
            "log_id": str(self._identity.log),
            "conflict": self.conflict,
            "marks": {name: _describe(each) for name, each in self._watched.items()},
        }

    async def _renew(self, watched: Watched) -> None:
        instance = watched.instance
        is_due = self._is_mark_due(watched) or watched.returns != instance.returns
        if not is_due or not instance.is_serving or not self._wal.is_lead_confirmed:
            return
        if watched.one_at_a_time.locked():
            return  # It is being looked at, which may take long; others do not wait for that.
        try:
            async with watched.one_at_a_time:
                await self._look(watched)
                if not instance.is_serving or not self._is_mark_due(watched):
                    return
                await self._leave_mark(watched)
        except InstanceError as error:
            log.info("no mark was left: %s", error)
            return
        if not watched.unsure and watched.found is not None:
            watched.noted = mark = watched.found
            await self._wal.record_soon(Progress(marked=(instance.name, mark.term, mark.position)))

    def _is_mark_due(self, watched: Watched) -> bool:
        return watched.found != self._identity.mark(self._tail.end)

    async def _leave_mark(self, watched: Watched) -> None:
        mark = self._identity.mark(self._tail.end)
        try:
            await watched.requests.write(mark)
        except InstanceError:
            watched.unsure = MARKS_UNTIL_SURE
            raise
        watched.found = mark
        watched.unsure = max(0, watched.unsure - 1)

    async def _look(self, watched: Watched) -> None:
        watched.returns = watched.instance.returns
        found = await watched.requests.read()
        fit = self._identity.judge(found, watched.noted)
        is_ours = found is not None and found.term == self._identity.term
        if fit is Fit.FITS and is_ours and watched.fit is not Fit.UNKNOWN and not self._was_right:
            fit = watched.fit  # What we have left there ourselves is no witness.
        if fit is Fit.SET_BACK and not self._wal.is_lead_confirmed:
            cause = "it may have the mark of a successor of ours: the lock is not confirmed"
            raise InstanceError(watched.instance.name, cause)
        watched.found = found
        if fit is Fit.OLDER_COPY and await self._is_to_be_copied(watched):
            await self._namespaces.restore(watched.upstream)
            watched.noted, fit = None, Fit.FITS
        watched.fit = fit
        self._apply()
        if fit is not Fit.UNMARKED:
            self.has_looked.set()

    def _apply(self) -> None:
        """Let each instance serve or not, as all marks together say."""
        before, fits = self.conflict, {name: each.fit for name, each in self._watched.items()}
        self._was_right |= set(fits.values()) <= {Fit.FITS, Fit.UNMARKED}
        if self._was_right:  # From then on they are witnesses, marked yet or not.
            fits = {k: Fit.FITS if fit is Fit.UNMARKED else fit for k, fit in fits.items()}
        self.conflict = conflict(fits)
        if self.conflict and self.conflict != before:
            writers = {str(each.found.log) for each in self._watched.values() if each.found}
            log.error(
                "%s. This is log %s, marks are of %s",
                self.conflict,
                self._identity.log,
                ", ".join(sorted(writers)),
            )
        for each in self._watched.values():
            cause = cause_of(each.fit, self.conflict)
            if not cause:
                each.instance.readmit()
            elif each.fit is not Fit.UNKNOWN or each.instance.is_serving:
                each.instance.refuse(cause)

    async def _is_to_be_copied(self, watched: Watched) -> bool:
        """Have an older copy of an instance get all collections anew; False if none can give them.

        Its cursors speak of writes that it does not have any more.
        """
        name = watched.instance.name
        mapped = [c for c in self._tail.catalogue if is_expected_on(c, name)]
        for collection in mapped:
            for other in self._watched.values():
                is_other = other is not watched and self._is_witness(other)
                if is_other and await has(other.upstream, collection):
                    break
            else:
                return False
        await self._memberships.leave(mapped, name, "it is an older copy of itself")
        return not any(is_expected_on(collection, name) for collection in mapped)

    def _is_witness(self, watched: Watched) -> bool:
        """Tell whether it serves and is still the one that was looked at."""
        instance = watched.instance
        is_known = watched.fit in (Fit.FITS, Fit.UNMARKED) and watched.returns == instance.returns
        return is_known and instance.is_serving


def _describe(watched: Watched) -> dict[str, Any]:
    found = watched.found
    return {
        "fit": watched.fit.value,
        "log_id": None if found is None else str(found.log),
        "position": None if found is None else found.position,
    }

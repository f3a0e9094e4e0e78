"""Marks: how far into which log an instance was written, and whether that fits the log we have.

Pure. Why a mark that is a little late is enough: docs/log-identity.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Mark:
    """A log, the term of one active load balancer in it, and a position reached in that term."""

    log: UUID
    term: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Term:
    """The time of one active load balancer: its turn, and where it ended; None if it is ours."""

    epoch: int
    ended_at: int | None


class Fit(StrEnum):
    """What the mark of an instance says of the log that we have."""

    UNKNOWN = "unknown"
    """It was not asked yet."""
    UNMARKED = "unmarked"
    """It has none, and never had: it is new, or was never behind this version."""
    FITS = "fits"
    """The log has all that the mark speaks of."""
    SET_BACK = "set_back"
    """The log lacks what the mark speaks of: it is an older state of itself."""
    OTHER_LOG = "other_log"
    """It was written from another log."""
    OLDER_COPY = "older_copy"
    """It lacks a mark that it had taken: it was emptied, or set back to an older state."""


REFUSED = frozenset({Fit.SET_BACK, Fit.OTHER_LOG, Fit.OLDER_COPY})
"""With these nothing is sent to the instance, and nothing read from it."""


@dataclass(frozen=True)
class LogIdentity:
    """Which log we have: its id, our own term, and all that it knows of earlier ones.

    `noted` is the last mark that each instance is known to have taken.
    """

    log: UUID
    term: UUID
    terms: Mapping[UUID, Term]
    noted: Mapping[str, Mark] = field(default_factory=dict)

    def judge(self, found: Mark | None, noted: Mark | None) -> Fit:
        """Compare what an instance has with the log, and with what it is known to have taken."""
        if found is None:
            return Fit.UNMARKED if noted is None else Fit.OLDER_COPY
        if found.log != self.log:
            return Fit.OTHER_LOG
        term = self.terms.get(found.term)
        if term is None or (term.ended_at is not None and found.position > term.ended_at):
            return Fit.SET_BACK
        if noted is not None and self._age(found) < self._age(noted):
            return Fit.OLDER_COPY
        return Fit.FITS

    def mark(self, position: int) -> Mark:
        """Make a mark of our own term."""
        return Mark(self.log, self.term, position)

    def _age(self, mark: Mark) -> tuple[int, int]:
        return self.terms[mark.term].epoch, mark.position


def conflict(fits: Mapping[str, Fit]) -> str:
    """Say why the log itself is not to be used, if it is not.

    One instance that has seen more of this log proves that the log lost it. One that was written
    from another log only proves that it does not belong here, if others do.
    """
    ahead = [name for name, fit in fits.items() if fit is Fit.SET_BACK]
    foreign = [name for name, fit in fits.items() if fit is Fit.OTHER_LOG]
    if ahead:
        return (
            f"the log was set back: {_list(ahead)} holds what was written later than all that is "
            "in this log. Restore the newest state of the log, or begin with an empty one"
        )
    if foreign and not {Fit.FITS, Fit.OLDER_COPY} & set(fits.values()):
        return (
            f"this is not the log that {_list(foreign)} was written from. Correct DATABASE_URL, "
            "or have an empty log take over what the instances hold"
        )
    if fits and set(fits.values()) == {Fit.OLDER_COPY}:
        return (
            "all instances are empty, or older copies of themselves: they lack what was "
            "acknowledged. Bring the newest one back, or begin with an empty log"
        )
    return ""


def cause_of(fit: Fit, conflict: str) -> str:
    """Say why an instance with this mark is not used; empty when it is."""
    if conflict:
        return conflict
    if fit is Fit.OTHER_LOG:
        return "it was written from another log than the other instances. Empty its disk"
    if fit is Fit.OLDER_COPY:
        return "it is empty, or an older copy of itself, and no other one serves to copy from"
    return ""


def _list(names: list[str]) -> str:
    return " and ".join(names)

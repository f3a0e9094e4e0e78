"""Owns what a checker says, and how several verdicts make one."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """The three answers of a check: nothing examined is `unknown`, never `pass`."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class Violation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One broken promise in words, and the operations and reads that prove it."""

    message: str
    evidence: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer of one checker; `reason` says why it is unknown."""

    checker: str
    outcome: Outcome
    examined: int = 0
    violations: tuple[Violation, ...] = ()
    figures: dict[str, float] = {}
    reason: str = ""


def decide(
    checker: str,
    examined: int,
    violations: Iterable[Violation],
    figures: dict[str, float] | None = None,
) -> Verdict:
    """Turn what a checker found into its verdict."""
    found = tuple(violations)
    reason = ""
    if found:
        outcome = Outcome.FAIL
    elif examined:
        outcome = Outcome.PASS
    else:
        outcome, reason = Outcome.UNKNOWN, "there was nothing to examine"
    return Verdict(
        checker=checker,
        outcome=outcome,
        examined=examined,
        violations=found,
        figures=figures or {},
        reason=reason,
    )


def unknown(checker: str, reason: str) -> Verdict:
    """Make the verdict of a check that could not be made."""
    return Verdict(checker=checker, outcome=Outcome.UNKNOWN, reason=reason)


def combine(verdicts: Iterable[Verdict]) -> Outcome:
    """Any fail is a fail; else any unknown, or no verdict at all, is unknown; else pass."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.UNKNOWN

"""Owns what a checker says, and how several verdicts make one."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """The answers of a check: nothing examined is `unknown`, never `pass`.

    `not offered` is the answer about something that only some load balancers have, where this one
    was seen not to have it; it says nothing about the run as a whole.
    """

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_OFFERED = "not offered"


class Violation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One broken promise in words, and the operations and reads that prove it.

    `biography` is all that happened to the document that it is about; only the first violations
    of a checker carry one. `operation` names the one whose promise is broken, where it is one.
    """

    message: str
    evidence: tuple[str, ...] = ()
    biography: tuple[str, ...] = ()
    operation: str = ""


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


def not_offered(checker: str, reason: str) -> Verdict:
    """Make the verdict about something that the load balancer was seen not to have."""
    return Verdict(checker=checker, outcome=Outcome.NOT_OFFERED, reason=reason)


def combine(verdicts: Iterable[Verdict]) -> Outcome:
    """Any fail is a fail; else any unknown, or no verdict at all, is unknown; else pass.

    What is not offered is left out.
    """
    outcomes = {verdict.outcome for verdict in verdicts} - {Outcome.NOT_OFFERED}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.UNKNOWN

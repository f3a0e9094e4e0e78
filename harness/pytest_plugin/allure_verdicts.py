"""What Allure is told of the checkers: a step for each, that failed or broke as it did."""

from collections.abc import Iterable
from contextlib import suppress

import allure

from harness.model.verdict import Outcome, Verdict

_MOST_VIOLATIONS = 20


class _FoundError(AssertionError):
    """Makes a step one that failed."""


class _UnknownError(Exception):
    """Makes a step one that broke: it says nothing of the load balancer."""


def tell_verdicts(verdicts: Iterable[Verdict]) -> None:
    """Put a step for each checker into the one that is open; violations are attached to theirs."""
    with allure.step("verdicts"):
        for verdict in verdicts:
            with (
                suppress(_FoundError, _UnknownError),
                allure.step(f"{verdict.checker}: {verdict.outcome}, {verdict.examined} examined"),
            ):
                _tell(verdict)


def _tell(verdict: Verdict) -> None:
    if verdict.violations:
        text = "\n\n".join(_lines(verdict))
        allure.attach(text, f"violations of {verdict.checker}", allure.attachment_type.TEXT)
    if verdict.outcome is Outcome.FAIL:
        raise _FoundError(verdict.violations[0].message)
    if verdict.outcome is Outcome.UNKNOWN:
        raise _UnknownError(verdict.reason)


def _lines(verdict: Verdict) -> Iterable[str]:
    for violation in verdict.violations[:_MOST_VIOLATIONS]:
        yield "\n  ".join((violation.message, *violation.evidence, *violation.biography))
    if (more := len(verdict.violations) - _MOST_VIOLATIONS) > 0:
        yield f"and {more} more in verdict.json"

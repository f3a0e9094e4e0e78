"""Owns the first lines of a report: the verdict in one sentence, and its main figures."""

from collections.abc import Iterator

import msgspec

from harness.model.verdict import Outcome, Verdict, combine
from harness.report.html.facts import RunFacts


class Figure(msgspec.Struct, frozen=True):
    """One of the main figures; `is_bad` when it breaks a promise."""

    name: str
    value: str
    is_bad: bool = False


def outcome_of(facts: RunFacts) -> str:
    """Give the verdict of the run in a word."""
    return str(combine(facts.verdicts)) if facts.verdicts else "not judged"


def sentence(facts: RunFacts) -> str:
    """Say the verdict, and who gave it."""
    by_outcome = {
        outcome: [v for v in facts.verdicts if v.outcome is outcome] for outcome in Outcome
    }
    failed, unknown = by_outcome[Outcome.FAIL], by_outcome[Outcome.UNKNOWN]
    total = len(facts.verdicts) - len(by_outcome[Outcome.NOT_OFFERED])
    if not facts.verdicts:
        return "This run was interrupted before it was judged."
    if failed:
        names = ", ".join(f"{v.checker} ({len(v.violations):,})" for v in failed)
        found = f"{len(failed)} of {total} checkers found violations: {names}."
        return f"{found} {_unknown(unknown)}".rstrip() if unknown else found
    if unknown:
        return f"Not proven: {_unknown(unknown)} The other {total - len(unknown)} pass."
    return f"All {total} checkers pass: whatever was promised was kept."


def _unknown(verdicts: list[Verdict]) -> str:
    names = ", ".join(verdict.checker for verdict in verdicts)
    return f"{len(verdicts)} could not tell: {names}."


def reasons(facts: RunFacts) -> list[tuple[str, str]]:
    """Give the checkers that could not tell, and why."""
    return [(v.checker, v.reason) for v in facts.verdicts if v.outcome is Outcome.UNKNOWN]


def figures(facts: RunFacts) -> Iterator[Figure]:
    """Yield what counts most."""
    known = {f"{v.checker}.{name}": x for v in facts.verdicts for name, x in v.figures.items()}
    limits = facts.history.header.limits

    def figure(
        name: str, key: str, most: float | None = None, form: str = "{:,.0f}", none: str = "unknown"
    ) -> Figure:
        value = known.get(key)
        is_bad = value is not None and most is not None and value > most
        return Figure(name, none if value is None else form.format(value), is_bad)

    yield Figure("operations", f"{len(facts.history.operations):,}")
    yield figure("acknowledged writes", "availability.acknowledged_writes")
    yield figure("documents lost", "durability.lost", 0)
    yield figure("came back after a delete", "resurrection.resurrected", 0)
    yield figure("different between instances", "convergence.different", 0)
    yield figure("failed for clients", "availability.failed", limits.failed_operations)
    longest = ("longest wait of a client", "availability.gap_seconds", limits.gap_seconds)
    yield figure(*longest, form="{:.2f} s")
    if facts.history.header.faults:
        agreed = ("agreed after the last heal in", "convergence.converge_seconds")
        yield figure(*agreed, limits.converge_seconds, "{:.2f} s", "not seen")

"""Owns the first lines of a report: the verdict in one sentence, and its main figures."""

from collections.abc import Iterator

from harness.model.verdict import Outcome, Verdict, combine
from harness.report.html.facts import RunFacts


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


def figures(facts: RunFacts) -> Iterator[tuple[str, str]]:
    """Yield what counts most, as a name and a value."""
    known = {f"{v.checker}.{name}": x for v in facts.verdicts for name, x in v.figures.items()}

    def count(name: str) -> str:
        return f"{known[name]:,.0f}" if name in known else "unknown"

    def seconds(name: str) -> str:
        return f"{known[name]:.2f} s" if name in known else "unknown"

    yield "operations", f"{len(facts.history.operations):,}"
    yield "acknowledged writes", count("availability.acknowledged_writes")
    yield "documents lost", count("durability.lost")
    yield "came back after a delete", count("resurrection.resurrected")
    yield "different between instances", count("convergence.different")
    yield "failed for clients", count("availability.failed")
    yield "longest wait of a client", seconds("availability.gap_seconds")
    if facts.history.header.faults:
        yield "agreed after the last heal in", seconds("convergence.converge_seconds")

"""Judges that nothing is left to do at rest: no entry pending anywhere, no transaction unresolved.

Asked twice: of the load balancer itself, and of its log in PostgreSQL past it. Where that is
promised, nothing may be pending so soon after the last operation.
"""

from collections.abc import Iterator, Sequence

from harness.checkers.answers import Endpoint, counts, describe, endpoint, is_count
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import LogSample
from harness.model.verdict import Verdict, Violation, decide, not_offered, unknown

NAME = "log-drained"
PATH = "/wal/status"
PENDING = "pending_entries"
UNSETTLED = "unsettled_entries"
DRAIN_SECONDS = "drain_seconds"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look for entries that were not applied or settled when the run was over."""
    del finals
    asked = endpoint(history, PATH, PENDING)
    logs = [s for s in history.observed(LogSample) if s.is_log]
    if not asked.is_offered and not logs:
        return asked.refusal(NAME)
    if history.header.shared:
        return not_offered(NAME, "others use the system: entries of theirs may be pending")
    at_rest = [answer for answer in asked.answers if answer.at_rest]
    truth = [s for s in history.observed(LogSample) if s.at_rest]
    if not at_rest and not truth:
        return unknown(NAME, "the run did not come to rest")
    violations: list[Violation] = []
    figures: dict[str, float] = {}
    examined = 0
    if asked.is_offered:
        examined += len(at_rest)
        violations += _said(asked)
    for sample in truth:
        examined += sample.is_log
        violations += _true(sample)
        figures = {"pending": sum(sample.pending.values()), "unsettled": sample.unsettled}
    drain_seconds = history.drain_seconds
    if drain_seconds is not None:
        figures[DRAIN_SECONDS] = drain_seconds
    if asked.is_offered:
        violations += _late(history.header.limits.drain_seconds, drain_seconds)
    return decide(NAME, examined, violations, figures)


def _late(limit_seconds: float | None, drain_seconds: float | None) -> Iterator[Violation]:
    if limit_seconds is None:
        return
    if drain_seconds is None:
        yield Violation(f"{PATH} was never seen to count nothing after the last operation")
    elif drain_seconds > limit_seconds:
        yield Violation(
            f"the log was drained {drain_seconds:.2f} s after the last operation, the limit is "
            f"{limit_seconds:g} s"
        )


def _said(asked: Endpoint) -> Iterator[Violation]:
    for answer in asked.answers:
        if not answer.at_rest:
            continue
        word = next((w for w in asked.words if w.answer is answer), None)
        pending = counts(word.content[PENDING]) if word else None
        if word is None or pending is None:
            yield Violation(f"{PATH} makes no sense at rest", (describe(answer),))
            continue
        for instance, count in pending.items():
            if count:
                yield Violation(f"{PATH} counts {count} pending entries at rest: {instance}")
        unsettled = word.content.get(UNSETTLED, 0)
        if not is_count(unsettled) or unsettled:
            yield Violation(f"{PATH} counts {unsettled} unsettled entries at rest")


def _true(sample: LogSample) -> Iterator[Violation]:
    for instance, count in sorted(sample.pending.items()):
        if count:
            yield Violation(f"the log holds {count} entries that {instance} has not applied")
    if sample.unsettled:
        yield Violation(f"the log holds {sample.unsettled} entries without an outcome")

"""Judges that the figures of `/wal/status` are true, by the log in PostgreSQL read past the lb.

A figure must lie within what was true at some moment between two direct reads, one well before and
one well after it: entries that were logged or applied in between may count or not. Figures asked
for while PostgreSQL or the load balancer itself was disturbed are left out. At rest, when the
instances have agreed, they must be exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.checkers.answers import Word, counts, describe, endpoint, is_count
from harness.checkers.disturbances import disturbed
from harness.model.final_state import FinalState
from harness.model.history import SETTLED, History
from harness.model.observation import LogSample
from harness.model.verdict import Verdict, Violation, decide, not_offered, unknown

NAME = "status-figures"
PATH = "/wal/status"
PENDING, OLDEST, APPLIED, FAILED = (
    "pending_entries",
    "oldest_pending_age_seconds",
    "successful_syncs",
    "failed_syncs",
)

# The load balancer learns of its own commits a moment after they are made.
SLACK_NS = 1_000_000_000
_AGE_TOLERANCE_SECONDS = 1.0
_AROUND_FAULTS_NS = 3_000_000_000


@dataclass(frozen=True)
class _Figures:
    """One answer, and the truth before and after it."""

    word: Word
    before: LogSample
    after: LogSample

    @property
    def appended(self) -> int:
        """How many entries were logged between the two reads of the truth."""
        return self.after.last_position - self.before.last_position

    @property
    def evidence(self) -> tuple[str, ...]:
        """The answer between the two reads."""
        return (
            _truth("before", self.before),
            describe(self.word.answer),
            _truth("after", self.after),
        )


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare every answer with the truth around it."""
    del finals
    asked = endpoint(history, PATH, PENDING)
    if not asked.is_offered:
        return asked.refusal(NAME)
    samples = history.observed(LogSample)
    if samples and all(sample.error for sample in samples):
        return unknown(NAME, f"PostgreSQL was never read: {samples[-1].error}")
    if not any(sample.is_log for sample in samples):
        return not_offered(NAME, "PostgreSQL holds no log of ours to compare with")
    figures = _comparable(history, asked.words)
    violations = [Violation(f"{PATH} makes no sense", (describe(a),)) for a in asked.nonsense]
    for each in figures:
        violations += _pending(each)
        violations += _oldest(each)
    violations += _applied(history, figures)
    violations += _falling(history, asked.words)
    if not figures and not violations:
        return unknown(NAME, "no figure was asked for between two direct reads of the log")
    return decide(NAME, len(figures), violations, {"compared": len(figures)})


def _comparable(history: History, words: Sequence[Word]) -> list[_Figures]:
    samples = [s for s in history.observed(LogSample) if s.is_log]
    found = [] if history.milestone(SETTLED) is None else list(_at_rest(samples, words))
    for word in words:
        asked_ns, answered_ns = word.answer.asked_ns, word.answer.answered_ns
        before = [s for s in samples if s.answered_ns <= asked_ns - SLACK_NS]
        after = [s for s in samples if s.asked_ns >= answered_ns]
        later = [s for s in after if s.asked_ns >= answered_ns + SLACK_NS] or after[-1:]
        if not before or not later:
            continue
        span = (before[-1].asked_ns - _AROUND_FAULTS_NS, later[0].answered_ns + _AROUND_FAULTS_NS)
        if not disturbed(history, span, but_instances=True):
            found.append(_Figures(word, before[-1], later[0]))
    return found


def _at_rest(samples: Sequence[LogSample], words: Sequence[Word]) -> Iterator[_Figures]:
    """Pair what was asked at rest with the truth right before and after: nothing moves any more."""
    for word in words:
        answer = word.answer
        before = [s for s in samples if s.at_rest and s.answered_ns <= answer.asked_ns]
        after = [s for s in samples if s.at_rest and s.asked_ns >= answer.answered_ns]
        if answer.at_rest and before and after:
            yield _Figures(word, before[-1], after[0])


def _pending(figures: _Figures) -> Iterator[Violation]:
    """Find counts out of bounds: an instance can lack no more, and no less, whatever was when.

    One that joins or leaves a lane meanwhile (it is new, or gets copies) has no bounds.
    """
    if figures.before.lanes != figures.after.lanes:
        return
    said = counts(figures.word.content[PENDING])
    if said is None:
        yield Violation(f"{PENDING} of {PATH} is no count", figures.evidence)
        return
    before, after = _totals(figures, said)
    for name in sorted(said):
        most = before.get(name, 0) + figures.appended * _width(figures, name)
        least = max(0, after.get(name, 0) - figures.appended * _width(figures, name))
        if not least <= said[name] <= most:
            yield Violation(
                f"{PATH} said that {said[name]} entries were pending ({name}), "
                f"when between {least} and {most} were",
                figures.evidence,
            )


def _totals(figures: _Figures, said: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    before, after = figures.before.pending, figures.after.pending
    if set(said) == {"all"}:
        return {"all": sum(before.values())}, {"all": sum(after.values())}
    return before, after


def _width(figures: _Figures, name: str) -> int:
    """Tell how many instances one entry may be pending for under that name."""
    return len(figures.after.pending) if name == "all" else 1


def _oldest(figures: _Figures) -> Iterator[Violation]:
    """Bound the age of what has waited longest by what waited before and after."""
    age = figures.word.content.get(OLDEST)
    if age is None:
        return
    asked_ns, answered_ns = figures.word.answer.asked_ns, figures.word.answer.answered_ns
    before, after = figures.before, figures.after
    most = (answered_ns - before.asked_ns) / 1e9 + (before.oldest_pending_age_seconds or 0.0)
    least = 0.0
    if after.oldest_pending_age_seconds is not None:
        # It was pending already when the figure was asked for, if it had been logged by then.
        least = after.oldest_pending_age_seconds - (after.answered_ns - asked_ns) / 1e9
    is_number = isinstance(age, int | float) and not isinstance(age, bool)
    tolerated = _AGE_TOLERANCE_SECONDS
    if not is_number or not least - tolerated <= age <= most + tolerated:
        yield Violation(
            f"{PATH} said that the oldest pending entry was {age} s old, "
            f"when it was between {max(0.0, least):.1f} and {most:.1f} s",
            figures.evidence,
        )


def _applied(history: History, compared: Sequence[_Figures]) -> Iterator[Violation]:
    """Bound the count of what instances have applied since the load balancer was started.

    A refused entry may count or not. After a fault an instance may get copies, which do not. One
    that left a lane has applied more than the log shows, but nothing that was not logged.
    """
    for each in compared:
        said = each.word.content.get(APPLIED)
        if said is None or disturbed(history, (0, each.after.answered_ns), but_instances=True):
            continue
        most = _most_applied(history, each.after)
        least = sum(each.before.applied.values()) - each.before.refused * len(each.before.applied)
        if disturbed(history, (0, each.after.answered_ns)):
            least = 0
        if not is_count(said) or not least <= said <= most:
            message = f"{PATH} said {said} {APPLIED}, when between {least} and {most} were applied"
            yield Violation(message, each.evidence)


def _most_applied(history: History, now: LogSample) -> int:
    """Count what the log shows as applied, or where an instance left a lane, what it may have."""
    logs = [s for s in history.observed(LogSample) if s.is_log and s.asked_ns <= now.asked_ns]
    for earlier, later in pairwise(logs):
        if any(later.applied.get(name, 0) < count for name, count in earlier.applied.items()):
            return now.last_position * len(now.applied)
    return sum(now.applied.values())


def _falling(history: History, words: Sequence[Word]) -> Iterator[Violation]:
    """Find counts since the start that fell while the load balancer lived."""
    for name in (APPLIED, FAILED):
        for earlier, later in pairwise(words):
            first, second = earlier.content.get(name), later.content.get(name)
            span = (earlier.answer.asked_ns - _AROUND_FAULTS_NS, later.answer.answered_ns)
            if second is None or disturbed(history, span, but_instances=True):
                continue
            if not is_count(second) or (is_count(first) and second < first):
                evidence = (describe(earlier.answer), describe(later.answer))
                yield Violation(f"{name} of {PATH} went from {first} to {second}", evidence)


def _truth(when: str, sample: LogSample) -> str:
    return (
        f"{when}: pending {sample.pending}, oldest {sample.oldest_pending_age_seconds} s, "
        f"applied {sample.applied}, last position {sample.last_position}"
    )

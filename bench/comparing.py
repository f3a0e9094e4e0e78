"""Measures two subjects in turn and states the ratio; knows nothing of what is measured."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

from bench.figure import Better, Figure, rounded
from bench.order import Outcome
from bench.plan import Bench
from bench.rounds import Side, Spread, interleaved, ratio_of_medians, spread
from bench.subjects import Subject

SidesOfRound: TypeAlias = Callable[[], AbstractAsyncContextManager[tuple[Subject, Subject]]]
"""Gives ours and theirs for one round: the same ones again, or new ones."""


def same(sides: tuple[Subject, Subject]) -> SidesOfRound:
    """Measure these in every round."""
    return lambda: nullcontext(sides)


@dataclass(frozen=True)
class Goal:
    """A figure's name and its target: None when it is only stated."""

    name: str
    better: Better
    target: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The measurements of both sides, in the order in which they were made."""

    case: str
    ours: Sequence[Outcome]
    theirs: Sequence[Outcome]
    rounds: int

    def rate_ratio(self, goal: Goal) -> Figure:
        """Compare successes per second."""
        return self._ratio(goal, lambda outcome: outcome.rate)

    def p50_ratio(self, goal: Goal) -> Figure:
        """Compare median latencies."""
        return self._ratio(goal, lambda outcome: outcome.p50_ms)

    def our_rate(self, goal: Goal) -> Figure:
        """State our own successes per second."""
        return self._figure(goal, spread([each.rate for each in self.ours]), "1/s")

    def their_rate(self, goal: Goal) -> Figure:
        """State the other side's."""
        return self._figure(goal, spread([each.rate for each in self.theirs]), "1/s")

    def absolute(self, stem: str, at: str) -> list[Figure]:
        """State rates and median latencies of both sides."""
        higher, lower = Better.HIGHER, Better.LOWER
        figures = []
        for who, outcomes in (("", self.ours), ("plain_", self.theirs)):
            rates = spread([each.rate for each in outcomes])
            p50s = spread([each.p50_ms for each in outcomes])
            figures.append(self._figure(Goal(f"{who}{stem}_rate_{at}", higher), rates, "1/s"))
            figures.append(self._figure(Goal(f"{who}{stem}_p50_{at}", lower), p50s, "ms"))
        return figures

    def _ratio(self, goal: Goal, pick: Callable[[Outcome], float]) -> Figure:
        found = ratio_of_medians([pick(o) for o in self.ours], [pick(o) for o in self.theirs])
        if found is None:
            return skipped(goal, "x", self.case, f"nothing to compare with; {self._trouble()}")
        return self._figure(goal, found, "x")

    def _figure(self, goal: Goal, found: Spread, unit: str) -> Figure:
        return stated(goal, found, unit, self.case, self.rounds, self._trouble())

    def _trouble(self) -> str:
        failed = {
            who: sum(outcome.failed for outcome in outcomes)
            for who, outcomes in (("lb", self.ours), ("the other", self.theirs))
        }
        said = [f"{count} requests to {who} failed" for who, count in failed.items() if count]
        return "; ".join(said)


def stated(
    goal: Goal, found: Spread, unit: str, case: str, rounds: int = 1, note: str = ""
) -> Figure:
    """Make a figure of what was found."""
    return Figure(
        name=goal.name,
        value=rounded(found.value),
        unit=unit,
        target=goal.target,
        better=goal.better,
        command=command_of(case),
        spread=(rounded(found.low), rounded(found.high)),
        rounds=rounds,
        note=note,
    )


def skipped(goal: Goal, unit: str, case: str, why: str) -> Figure:
    """Make a figure that says why there is none."""
    return Figure(goal.name, None, unit, goal.target, goal.better, command_of(case), note=why)


def command_of(case: str) -> str:
    """Give the command that repeats a case."""
    return f'make bench ARGS="--only {case}"'


async def compare(
    bench: Bench,
    case: str,
    sides_of_round: SidesOfRound,
    once: Callable[[Subject], Awaitable[Outcome]],
    rounds: int,
) -> Comparison:
    """Measure ours and theirs in turn; while the one is measured, the other is at rest."""
    found: dict[Side, list[Outcome]] = {Side.OURS: [], Side.THEIRS: []}
    for turns in interleaved(rounds):
        async with sides_of_round() as sides:
            subjects = dict(zip(Side, sides, strict=True))
            for side in turns:
                found[side].append(await _measure(bench, case, subjects[side], once))
    return Comparison(case.split()[0], found[Side.OURS], found[Side.THEIRS], rounds)


async def _measure(
    bench: Bench, case: str, subject: Subject, once: Callable[[Subject], Awaitable[Outcome]]
) -> Outcome:
    outcome = await once(subject)
    await subject.rest()
    bench.note(f"{case}, {subject.name}", outcome)
    failed = f", {outcome.failed} failed" if outcome.failed else ""
    bench.tell(
        f"{case}: {subject.name:12} {outcome.rate:8.1f}/s, "
        f"p50 {outcome.p50_ms:.1f} ms, p99 {outcome.p99_ms:.1f} ms{failed}"
    )
    return outcome

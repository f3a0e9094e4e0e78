"""Owns two runs side by side: what each checker said, what clients felt, how they were made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checkers.availability import NAME as AVAILABILITY
from harness.model.verdict import Outcome
from harness.runner.differences import described
from harness.runner.run_store import SavedRun
from harness.store.glance import figures_of

SIDES = ("A", "B")
_FIGURES: Mapping[str, tuple[str, str]] = {
    "operations": ("operations", ""),
    "failed": ("operations that did not succeed", ""),
    "gap_seconds": ("longest gap", "s"),
    "read_p99_ms": ("p99 of reads, slowest phase", "ms"),
    "write_p99_ms": ("p99 of writes, slowest phase", "ms"),
    "converge_seconds": ("time to converge", "s"),
}
_LATENCIES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
_NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Pair:
    """One thing in both runs, as words; `change` says how far B is from A."""

    what: str
    left: str
    right: str
    change: str = ""

    @property
    def differs(self) -> bool:
        """Tell whether the two are not the same."""
        return self.left != self.right


@dataclass(frozen=True)
class Comparison:
    """The runs A and B; nothing here says which of them is better."""

    left: SavedRun
    right: SavedRun

    def verdicts(self) -> list[Pair]:
        """Pair what each checker said; those that disagree come first."""
        sides = [_outcomes(run) for run in (self.left, self.right)]
        names = dict.fromkeys([*sides[0], *sides[1]])
        pairs = [
            Pair(name, sides[0].get(name, _NOT_JUDGED), sides[1].get(name, _NOT_JUDGED))
            for name in names
        ]
        return sorted(pairs, key=lambda pair: not pair.differs)

    def figures(self) -> Iterator[Pair]:
        """Pair the figures that runs are listed by."""
        sides = [vars(figures_of(run.figures())) for run in (self.left, self.right)]
        for name, (label, unit) in _FIGURES.items():
            yield _pair(label, sides[0][name], sides[1][name], unit)

    def latencies(self) -> list[tuple[str, str, Sequence[Pair]]]:
        """Pair the latencies of each phase and sort of operation that both may have."""
        sides = [run.figures() for run in (self.left, self.right)]
        keys = dict.fromkeys(key for figures in sides for key in _phases_in(figures))
        rows: list[tuple[str, str, Sequence[Pair]]] = []
        for phase, sort in keys:
            prefix = f"{AVAILABILITY}.{phase}.{sort}"
            pairs = [
                _pair(
                    name, sides[0].get(f"{prefix}.{name}"), sides[1].get(f"{prefix}.{name}"), "ms"
                )
                for name in _LATENCIES
            ]
            rows.append((phase, sort, pairs))
        return rows

    def making(self) -> list[Pair]:
        """Pair how the runs were made, where that differs."""
        sides = [described(run) for run in (self.left, self.right)]
        names = dict.fromkeys([*sides[0], *sides[1]])
        pairs = [Pair(name, sides[0].get(name, "-"), sides[1].get(name, "-")) for name in names]
        return [pair for pair in pairs if pair.differs]


def _outcomes(run: SavedRun) -> dict[str, str]:
    verdicts = run.judgement.verdicts if run.judgement else ()
    return {
        v.checker: f"{v.outcome}, {len(v.violations)} violation{'s' * (len(v.violations) != 1)}"
        if v.outcome is Outcome.FAIL
        else str(v.outcome)
        for v in verdicts
    }


def _phases_in(figures: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Find phases and sorts among the names of figures: `availability.<phase>.<sort>.count`."""
    for name in figures:
        words = name.removeprefix(f"{AVAILABILITY}.").removesuffix(".count").rpartition(".")
        if name.startswith(f"{AVAILABILITY}.") and name.endswith(".count") and words[0]:
            yield words[0], words[2]


def _pair(what: str, left: float | None, right: float | None, unit: str) -> Pair:
    words = _number(left, unit), _number(right, unit)
    change = ""
    if left is not None and right is not None and words[0] != words[1]:
        change = ("+" if right > left else "-") + _number(abs(right - left), unit)
    return Pair(what, *words, change)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,.3f} s" if unit == "s" else f"{value:,.1f} ms" if unit == "ms" else f"{value:,g}"
    )

"""What a campaign found: the fate of each mutant, the kill matrix, and whether the zoo holds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from harness.runner.run_directory import as_json
from tests.mutants.registry import Mutant
from tests.mutants.trial_run import TrialResult


class Fate(StrEnum):
    """What became of a mutant. All but the first are failures of the zoo."""

    CAUGHT = "caught"
    """Every checker that names the fault found it."""
    MISNAMED = "caught by others only"
    """Something was found, but a checker that names the fault has not seen it."""
    SURVIVED = "survived"
    """It did wrong, and every checker was content."""
    IDLE = "never did wrong"
    """The trial did not make it misbehave, so nothing is known."""
    NOT_RUN = "could not be tried"
    """The run itself failed."""


@dataclass(frozen=True)
class Finding:
    """A mutant, its fate, and the runs that it was tried in, the last of which decided."""

    mutant: Mutant
    runs: tuple[TrialResult, ...]

    @property
    def fate(self) -> Fate:
        """Judge the last run."""
        return fate_of(self.mutant, self.runs[-1])

    def describe(self) -> dict[str, object]:
        """Return what the report holds of it."""
        last = self.runs[-1]
        return {
            "mutant": self.mutant.name,
            "family": self.mutant.family,
            "fault": self.mutant.fault,
            "breaks": self.mutant.breaks.value,
            "trial": last.trial,
            "fate": self.fate.value,
            "named": sorted(self.mutant.caught_by),
            "failed": sorted(last.failed),
            "outcomes": last.outcomes,
            "misbehaved": last.misbehaved,
            "seeds": [run.seed for run in self.runs],
            "seconds": sum(run.seconds for run in self.runs),
            "directory": last.directory.name,
            "error": last.error,
        }


def fate_of(mutant: Mutant, run: TrialResult) -> Fate:
    """Say what a run of a mutant showed."""
    if run.error:
        return Fate.NOT_RUN
    if not run.misbehaved:
        return Fate.IDLE
    if mutant.caught_by <= run.failed:
        return Fate.CAUGHT
    return Fate.MISNAMED if run.failed else Fate.SURVIVED


def matrix_file(
    findings: Sequence[Finding], controls: Sequence[TrialResult], seconds: float
) -> bytes:
    """Give the content of `mutants.json`, which `chroma-chaos serve` shows as a page.

    Directories are those of the runs beside it, so that all of it can be moved.
    """
    return as_json(
        {
            "seconds": round(seconds),
            "mutants": [finding.describe() for finding in findings],
            "unmodified": [{**asdict(run), "directory": run.directory.name} for run in controls],
        }
    )


def matrix_lines(findings: Sequence[Finding]) -> list[str]:
    """Write the kill matrix: `X` a checker that names the fault, `x` one that saw it as well.

    A dot is a pass, a question mark unknown, and `!` a checker that should have seen it.
    """
    checkers = list(dict.fromkeys(name for f in findings for name in f.runs[-1].outcomes))
    width = max((len(f.mutant.name) for f in findings), default=0)
    lines = [f"{'':{width}}  {n:>2} {name}" for n, name in enumerate(checkers, start=1)]
    lines.append(
        f"{'':{width}}  " + " ".join(f"{n:>2}" for n, _ in enumerate(checkers, 1)) + "  did wrong"
    )
    for finding in findings:
        cells = " ".join(f"{_cell(finding, name):>2}" for name in checkers)
        last = finding.runs[-1]
        fate = "" if finding.fate is Fate.CAUGHT else f"  {finding.fate}"
        lines.append(f"{finding.mutant.name:{width}}  {cells}  {last.misbehaved:>9}{fate}")
    return lines


def _cell(finding: Finding, checker: str) -> str:
    outcome = finding.runs[-1].outcomes.get(checker)
    is_named = checker in finding.mutant.caught_by
    if outcome == "fail":
        return "X" if is_named else "x"
    if is_named:
        return "!"
    return {"pass": ".", "unknown": "?"}.get(outcome or "", "-")

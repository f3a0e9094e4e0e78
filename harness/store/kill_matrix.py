"""Owns the kill matrix of the zoo: which checker saw which broken load balancer.

It is read from the `mutants.json` that `make mutants` leaves in its directory.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import RunDirectoryError
from harness.model.verdict import Outcome
from harness.runner.run_directory import read_json

REPORT = "mutants.json"


class MutantRow(msgspec.Struct, frozen=True, kw_only=True):
    """One broken load balancer, and what became of it."""

    mutant: str
    family: str = ""
    fault: str = ""
    breaks: str = ""
    trial: str = ""
    fate: str = ""
    named: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    outcomes: dict[str, str] = {}
    misbehaved: int = 0
    directory: str = ""
    error: str = ""

    @property
    def run(self) -> str:
        """The name of the directory of the run that decided."""
        return Path(self.directory).name

    @property
    def is_caught(self) -> bool:
        """Tell whether every checker that names the fault found it."""
        return self.fate == "caught"

    def cell(self, checker: str) -> str:
        """Say in a word what a checker made of it."""
        outcome = self.outcomes.get(checker)
        if outcome == Outcome.FAIL:
            return "named and found" if checker in self.named else "found as well"
        if checker in self.named:
            return "named and not found"
        return {"pass": "passed", "unknown": "unknown"}.get(outcome or "", "not run")


class ControlRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the unmodified load balancer, which has to pass."""

    trial: str = ""
    seed: int = 0
    outcomes: dict[str, str] = {}
    error: str = ""

    @property
    def is_clean(self) -> bool:
        """Tell whether the run could be made and every checker passed."""
        return not self.error and set(self.outcomes.values()) == {Outcome.PASS.value}


class KillMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """All mutants of a campaign, and the control."""

    mutants: tuple[MutantRow, ...]
    unmodified: tuple[ControlRow, ...] = ()
    seconds: float = 0

    @property
    def checkers(self) -> list[str]:
        """The checkers in the order in which they judge."""
        return list(dict.fromkeys(name for row in self.mutants for name in row.outcomes))

    @property
    def families(self) -> list[tuple[str, Sequence[MutantRow]]]:
        """The mutants by family."""
        names = dict.fromkeys(row.family for row in self.mutants)
        return [(name, [row for row in self.mutants if row.family == name]) for name in names]


def campaigns(root: Path) -> list[str]:
    """Name the directories that hold a campaign, the newest last."""
    return sorted(path.parent.name for path in root.glob(f"*/{REPORT}"))


def read_matrix(root: Path, campaign: str) -> KillMatrix:
    """Read a campaign; raises `RunDirectoryError` for one that is not there, or torn."""
    if campaign not in campaigns(root):
        raise RunDirectoryError(f"there is no kill matrix {campaign!r} in {root}: `make mutants`")
    return read_json(root / campaign / REPORT, KillMatrix, "kill matrix")

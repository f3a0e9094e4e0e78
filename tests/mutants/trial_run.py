"""One run of a trial, with a mutant or with the unmodified load balancer, and what came of it."""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.labs.base import Lab
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.model.verdict import Outcome
from harness.report.standing import Standing
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.session import run_in_lab
from tests.mutants.patches import times_misbehaved
from tests.mutants.trials import Trial

UNMODIFIED = (sys.executable, "-m", "lb")
CHAOS = "chaos"


@dataclass(frozen=True)
class TrialResult:
    """Verdicts by checker; `error` says why there are none. `misbehaved` counts in the lb's log."""

    trial: str
    seed: int
    directory: Path
    seconds: float
    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    misbehaved: int = 0
    error: str = ""

    @property
    def failed(self) -> frozenset[str]:
        """The checkers that found a violation."""
        return frozenset(name for name, said in self.outcomes.items() if said == Outcome.FAIL)

    @property
    def is_clean(self) -> bool:
        """Whether the run could be made and every checker passed."""
        return not self.error and set(self.outcomes.values()) == {Outcome.PASS.value}


class Watcher:
    """A `Progress` that sends the trial's intruder when the chaos begins."""

    def __init__(self, trial: Trial, lab: Lab) -> None:
        self._trial = trial
        self._lab = lab
        self.intrusion: asyncio.Task[None] | None = None

    def phase(self, name: str, seconds: float) -> None:
        """Begin the intrusion with the phase of the faults."""
        if name == CHAOS and self._trial.intruder is not None:
            self.intrusion = asyncio.ensure_future(self._trial.intruder(self._lab))

    def event(self, text: str) -> None:
        """The history has it."""

    def tick(self, standing: Standing) -> None:
        """The history has it."""


def mutant_command(name: str) -> tuple[str, ...]:
    """Return what starts a mutant as the load balancer of a lab."""
    return (sys.executable, "-m", "tests.mutants.launch", name)


async def run_trial(
    trial: Trial, seed: int, directory: Path, command: tuple[str, ...], rest_seconds: float
) -> TrialResult:
    """Run the trial in a lab of its own, which is gone afterwards."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    run_directory = RunDirectory(directory)
    run_directory.create()
    scenario = trial.scenario(seed)
    lab_settings = ProcessLabSettings(directory, lb_command=command, needs=scenario.needs)
    lab = ProcessLab(lab_settings)
    settings = RunSettings(scenario, seed, run_directory, trial.workload, rest_seconds=rest_seconds)
    watcher = Watcher(trial, lab)
    found: dict[str, Any] = {}
    try:
        result = await run_in_lab(settings, lab, watcher, {"lb_command": " ".join(command)})
    except Exception as error:  # One run that fails must not end all the others.
        found["error"] = str(error) if isinstance(error, HarnessError) else repr(error)
    else:
        found["outcomes"] = {v.checker: v.outcome.value for v in result.verdicts}
        found["reasons"] = {
            v.checker: v.reason or v.violations[0].message
            for v in result.verdicts
            if v.outcome is not Outcome.PASS
        }
    finally:
        if watcher.intrusion is not None:
            await asyncio.gather(watcher.intrusion, return_exceptions=True)
    return TrialResult(
        trial=trial.name,
        seed=seed,
        directory=directory,
        seconds=round(loop.time() - began, 1),
        misbehaved=times_misbehaved(directory / "logs" / "lb.log"),
        **found,
    )

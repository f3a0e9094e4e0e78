"""Owns the measured timing gaps on disk: a directory with a run for each kind of failure.

What was measured is in the runs; `gap.json` is made from them and can be made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.checkers.gap_profile import gap_points, gap_profile
from harness.errors import RunDirectoryError
from harness.model.gap import GapExperiment, GapPoint, GapReport
from harness.model.history import History
from harness.model.verdict import Outcome, Verdict, combine
from harness.runner.run_directory import write_json
from harness.runner.run_store import LATEST, RunStore, SavedRun

REPORT = "gap.json"


@dataclass(frozen=True)
class MeasuredGaps:
    """A report, and the operations of each kind of failure for a plot."""

    report: GapReport
    points: Mapping[str, Sequence[GapPoint]]

    @property
    def outcome(self) -> Outcome:
        """The worst of all kinds of failure."""
        outcomes = {experiment.outcome for experiment in self.report.experiments}
        if Outcome.FAIL in outcomes:
            return Outcome.FAIL
        return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.UNKNOWN


def experiment_of(kind: str, history: History, verdicts: Sequence[Verdict]) -> GapExperiment | None:
    """Measure one run; None when no failure was injected in it."""
    profile = gap_profile(history)
    if profile is None:
        return None
    return GapExperiment(
        kind=kind,
        outcome=combine(verdicts),
        objections={
            v.checker: v.outcome for v in verdicts if v.outcome in (Outcome.FAIL, Outcome.UNKNOWN)
        },
        profile=profile,
    )


def write_report(directory: Path, report: GapReport) -> None:
    """Write `gap.json`."""
    write_json(directory / REPORT, report)


def find_gaps(store: RunStore, word: str) -> MeasuredGaps:
    """Find measured gaps by their directory, by its name in the store, or the `last` ones.

    Any other saved run in which something failed will do. All is measured again from the runs'
    histories. Raises `RunDirectoryError` that says where was looked.
    """
    directory = _directory(store.root, word)
    if directory is None:
        run = store.find(word)
        return _measured(run.name, str(run.description.get("command")), {_kind(run): run})
    saved = _read(directory)
    runs = {e.kind: store.find(str(directory / e.kind)) for e in saved.experiments}
    return _measured(directory.name, saved.command, runs)


def _measured(name: str, command: str, runs: Mapping[str, SavedRun]) -> MeasuredGaps:
    experiments: list[GapExperiment] = []
    points: dict[str, Sequence[GapPoint]] = {}
    for kind, run in runs.items():
        history, _ = run.directory.read()
        verdicts = run.judgement.verdicts if run.judgement else ()
        experiment = experiment_of(kind, history, verdicts)
        if experiment is None:
            raise RunDirectoryError(
                f"in {run.directory.path} nothing failed and was healed, so there is no gap: name "
                "a run with a fault"
            )
        experiments.append(experiment)
        points[kind] = gap_points(history)
    return MeasuredGaps(
        GapReport(name=name, command=command, experiments=tuple(experiments)), points
    )


def _directory(root: Path, word: str) -> Path | None:
    """Find the directory that has a report."""
    if word == LATEST:
        return max((path.parent for path in root.glob(f"*/{REPORT}")), default=None)
    return next((p for p in (Path(word), root / word) if (p / REPORT).is_file()), None)


def _read(directory: Path) -> GapReport:
    try:
        return msgspec.json.decode((directory / REPORT).read_bytes(), type=GapReport)
    except (OSError, msgspec.DecodeError) as error:
        raise RunDirectoryError(f"{directory} holds no readable {REPORT}: {error}") from error


def _kind(run: SavedRun) -> str:
    return str(run.description.get("scenario")).removeprefix("gap-")

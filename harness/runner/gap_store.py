"""Owns the measured timing gaps on disk: a directory with a run for each kind of failure.

What was measured is in the runs; `gap.json` is made from them and can be made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checkers.gap_profile import gap_points, gap_profile
from harness.errors import RunDirectoryError
from harness.model.gap import GapExperiment, GapPoint, GapProfile, GapReport
from harness.model.verdict import Outcome, combine
from harness.runner.gap import FAILURES
from harness.runner.run_directory import RunDirectory, write_json
from harness.runner.run_store import LATEST, RunStore, SavedRun

REPORT = "gap.json"


@dataclass(frozen=True)
class MeasuredGaps:
    """A report, where its files are, and the operations of each kind of failure for a plot."""

    directory: Path
    report: GapReport
    points: Mapping[str, Sequence[GapPoint]]

    @property
    def outcome(self) -> Outcome:
        """The worst of all kinds of failure."""
        outcomes = {experiment.outcome for experiment in self.report.experiments}
        if Outcome.FAIL in outcomes:
            return Outcome.FAIL
        return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.UNKNOWN

    def write(self) -> None:
        """Write `gap.json`."""
        write_json(self.directory / REPORT, self.report)


def find_gaps(store: RunStore, word: str) -> MeasuredGaps:
    """Find measured gaps by their directory, by its name in the store, or the `last` ones.

    Any other saved run in which something failed will do. Raises `RunDirectoryError` that says
    where was looked.
    """
    directory = _directory(store.root, word)
    if directory is not None:
        return measured_in(directory)
    run = store.find(word)
    return _measured(run.directory.path, {str(run.description.get("scenario")): run})


def measured_in(directory: Path) -> MeasuredGaps:
    """Measure the runs in a directory again, in the order of the kinds of failure."""
    store = RunStore(directory)
    return _measured(directory, {kind: store.find(kind) for kind in _kinds_in(directory)})


def _measured(directory: Path, runs: Mapping[str, SavedRun]) -> MeasuredGaps:
    experiments: list[GapExperiment] = []
    points: dict[str, Sequence[GapPoint]] = {}
    for kind, run in runs.items():
        history, _ = run.directory.read()
        profile = gap_profile(history)
        if profile is None:
            raise RunDirectoryError(
                f"in {run.directory.path} nothing failed and was healed while clients worked, so "
                "there is no gap: name a run with a fault"
            )
        experiments.append(_experiment(kind, run, profile))
        points[kind] = gap_points(history)
    started = {_load_balancer(run): None for run in runs.values()}
    report = GapReport(
        name=directory.name, load_balancer=", ".join(started), experiments=tuple(experiments)
    )
    return MeasuredGaps(directory, report, points)


def _experiment(kind: str, run: SavedRun, profile: GapProfile) -> GapExperiment:
    """Say of a run what its verdict said; one that was interrupted has none."""
    verdicts = run.judgement.verdicts if run.judgement else ()
    return GapExperiment(
        kind=kind,
        outcome=combine(verdicts),
        objections={
            verdict.checker: verdict.outcome
            for verdict in verdicts
            if verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN)
        },
        profile=profile,
    )


def _directory(root: Path, word: str) -> Path | None:
    """Find the directory that has runs of kinds of failure."""
    if word == LATEST:
        return max((path.parent for path in root.glob(f"*-gap-*/{REPORT}")), default=None)
    return next((path for path in (Path(word), root / word) if _kinds_in(path)), None)


def _kinds_in(directory: Path) -> list[str]:
    """Name the kinds of failure that were run to the end."""
    return [kind for kind in FAILURES if RunDirectory(directory / kind).verdict.is_file()]


def _load_balancer(run: SavedRun) -> str:
    configuration = run.description.get("configuration") or {}
    return str(configuration.get("lb_command") or "")

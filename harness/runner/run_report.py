"""Owns the report of a run on disk: made from the run's files, and nothing else."""

from pathlib import Path

from harness.model.cost import read_costs
from harness.report.html.document import document
from harness.report.html.embedded_history import embed
from harness.report.html.facts import RunFacts
from harness.runner.run_store import SavedRun
from harness.runner.schedules import read_schedule


def write_report(run: SavedRun) -> Path:
    """Write `report.html` into the directory of a run, also of one that was never judged.

    Raises `RunDirectoryError` when there is no history to report of.
    """
    directory = run.directory
    history, _ = directory.read()
    facts = RunFacts(
        history=history,
        verdicts=run.judgement.verdicts if run.judgement else (),
        description=run.description,
        schedule=read_schedule(directory.schedule) if directory.schedule.is_file() else None,
        costs=read_costs(directory.samples),
    )
    directory.report.write_text(document(facts, embed(directory.history)))
    return directory.report

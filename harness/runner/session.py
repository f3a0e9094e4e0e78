"""Owns a whole session: the lab's start, one run in it, the lab's stop, and their description."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from harness.labs.base import Lab
from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, History
from harness.report.progress import Progress
from harness.runner.removal import remove_created
from harness.runner.run import Run, RunResult, RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.run_report import write_report
from harness.runner.run_store import read_run


async def run_in_lab(
    settings: RunSettings, lab: Lab, progress: Progress, configuration: dict[str, Any]
) -> RunResult:
    """Start the lab, conduct the run, and stop the lab whatever happens."""
    try:
        return await record_run(settings, lab, progress, configuration)
    finally:
        await lab.stop()


async def record_run(
    settings: RunSettings,
    lab: Lab,
    progress: Progress,
    configuration: dict[str, Any],
    clock: Callable[[], int] = time.monotonic_ns,
) -> RunResult:
    """Conduct the run in a lab that is started if it is not up, and stays up.

    `run.json` is written before the start and completed as the session goes on, so that an
    interrupted one says how far it came. The report is written last, of a run that was judged.
    """
    timings: dict[str, float] = {}
    description = {
        "scenario": settings.scenario.name,
        "seed": settings.seed,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "limits": settings.scenario.limits,
        "workload": asdict(settings.workload),
        "configuration": configuration,
        "options": settings.options,
        "command": settings.command,
        "timings": timings,
    }
    settings.directory.describe(description)
    begin_ns = clock()
    try:
        await lab.start()
        timings["lab_start_seconds"] = _seconds(begin_ns, clock())
        progress.event(f"lab up in {timings['lab_start_seconds']:.1f} s: lb at {lab.lb_url}")
        description["versions"] = dict(lab.versions)
        description["capabilities"] = sorted(lab.capabilities)
        settings.directory.describe(description)
        try:
            result = await Run(settings, lab, progress, clock).conduct()
        finally:
            # Also after a failure and after Ctrl-C, of which more are only noted.
            await remove_created(lab, settings.seed, progress)
        timings.update(_milestones(result.history, begin_ns))
    finally:
        timings["total_seconds"] = _seconds(begin_ns, clock())
        settings.directory.describe(description)
    await _report(settings.directory, progress)
    return result


async def _report(directory: RunDirectory, progress: Progress) -> None:
    """Write the report beside everything else; without it the run is what it was."""
    try:
        # A long history takes seconds, in which Ctrl-C is to be heard.
        await asyncio.to_thread(lambda: write_report(read_run(directory)))
    except Exception as error:
        progress.event(f"no report was written: {error!r}")


def _milestones(history: History, begin_ns: int) -> dict[str, float]:
    """When each phase began and the clients ended, in seconds since the session began."""
    return {
        f"{milestone.detail or milestone.name}_at_seconds": _seconds(begin_ns, milestone.at_ns)
        for milestone in history.milestones
        if milestone.name in (PHASE_STARTED, CLIENTS_STOPPED)
    }


def _seconds(from_ns: int, to_ns: int) -> float:
    return round((to_ns - from_ns) / 1e9, 3)

"""A fault at the right moment finds what a fault at any other moment finds by luck only."""

import os
import shlex
import subprocess
import sys
import uuid
from pathlib import Path

import msgspec
import pytest

from harness.model.history import History, read_history
from harness.model.schedule import Schedule, ScheduledFault
from tests.marked_processes import processes_marked

pytestmark = pytest.mark.real

DUAL_WRITE_LB = Path(__file__).with_name("dual_write_lb.py")
MARK = "CHROMA_CHAOS_TRIGGER_TEST"


def run_schedule(
    directory: Path, schedule: Schedule, *options: str
) -> tuple[int, dict[str, str], History]:
    """Run it; returns the exit code, the outcome of each checker, and the history."""
    directory.mkdir()
    file, run, mark = directory / "schedule.json", directory / "run", uuid.uuid4().hex
    file.write_bytes(msgspec.json.encode(schedule))
    words = ["run", "--schedule", str(file), "--seed", "3", "--run-directory", str(run), *options]
    ended = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (run / "verdict.json").is_file(), ended.stdout + ended.stderr
    verdicts = msgspec.json.decode((run / "verdict.json").read_bytes())["verdicts"]
    assert processes_marked(MARK, mark) == []
    outcomes = {verdict["checker"]: verdict["outcome"] for verdict in verdicts}
    return ended.returncode, outcomes, read_history(run / "history.jsonl")


def killed(target: str, at_seconds: float, event: str) -> ScheduledFault:
    return ScheduledFault(fault=f"kill {target}", at_seconds=at_seconds, seconds=1.0, trigger=event)


def test_a_kill_between_the_answer_and_its_receipt_shows_that_there_is_no_log(
    tmp_path: Path,
) -> None:
    fault = killed("lb", 0.0, "response-left primary add")
    schedule = Schedule(seed=1, seconds=3.0, faults=(fault,))
    command = shlex.join([sys.executable, str(DUAL_WRITE_LB)])
    code, outcomes, _ = run_schedule(tmp_path / "dual", schedule, "--lb-command", command)
    assert code == 1
    assert [checker for checker, outcome in outcomes.items() if outcome == "fail"] == [
        "convergence"
    ]


def test_our_lb_loses_nothing_when_the_primary_is_killed_at_any_step_of_a_write(
    tmp_path: Path,
) -> None:
    events = ("request-arrived primary add", "response-left primary upsert", "entry-visible")
    faults = tuple(killed("primary", 4.0 * n, event) for n, event in enumerate(events))
    schedule = Schedule(seed=1, seconds=12.0, faults=faults)
    code, outcomes, history = run_schedule(tmp_path / "ours", schedule)
    assert code == 0, outcomes
    windows = [history.fault_windows[index] for index in range(len(events))]
    assert [window.trigger for window in windows] == [fault.trigger for fault in faults]
    for window in windows:
        assert 0 < window.event_ns <= window.injected_ns

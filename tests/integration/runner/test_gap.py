"""The timing gap of our load balancer: no operation of any kind fails, however the primary does."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import msgspec
import pytest

from harness.checkers.judge import judge
from harness.model.gap import GapReport
from harness.model.verdict import Outcome
from harness.runner.run_directory import RunDirectory, verdict_file
from tests.marked_processes import processes_marked

pytestmark = pytest.mark.real

MARK = "CHROMA_CHAOS_GAP_TEST"
KINDS = {
    "add-by-ids", "delete-by-ids", "delete-by-where", "get-by-ids", "get-by-where",
    "query-by-embedding", "update-by-ids", "upsert-by-ids",
}  # fmt: skip


def measure(directory: Path, *words: str, **environment: str) -> tuple[int, GapReport, str]:
    """Measure gaps; returns the exit code, the report and what was printed."""
    mark = uuid.uuid4().hex
    ended = subprocess.run(
        [sys.executable, "-m", "harness.cli", "gap", "--run-directory", str(directory), *words],
        env={**os.environ, **environment, MARK: mark},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    told = ended.stdout + ended.stderr
    assert (directory / "gap.json").is_file(), told
    assert processes_marked(MARK, mark) == []
    report = msgspec.json.decode((directory / "gap.json").read_bytes(), type=GapReport)
    return ended.returncode, report, told


def test_no_operation_of_any_kind_fails_when_the_primary_is_killed_or_hangs(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "gap"
    words = ("--kinds", "kill,pause", "--seconds", "5", "--seed", "7", "--addressing", "mixed")
    code, report, told = measure(directory, *words)
    assert code == 0, told
    assert [experiment.kind for experiment in report.experiments] == ["kill", "pause"]
    for experiment in report.experiments:
        profile = experiment.profile
        assert experiment.outcome is Outcome.PASS
        assert experiment.objections == {}
        assert profile.lasted_seconds >= 5.0
        assert {row.kind for row in profile.rows} == KINDS
        assert profile.whole.felt.operations >= 80
        assert profile.whole.felt.failed == profile.healed.failed == 0
        assert {"0 s", "0.5 s", "2 s"} <= {s for row in profile.rows for s in row.by_offset}
    assert (directory / "gap.svg").is_file()
    history, finals = RunDirectory(directory / "kill").read()
    saved = RunDirectory(directory / "kill").verdict.read_bytes()
    assert verdict_file(history, judge(history, finals)) == saved

"""The suites that users run can fail: a mutant fails the test of the promise that it breaks."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.marked_processes import processes_marked

pytestmark = pytest.mark.real

MARK = "CHROMA_CHAOS_USE_CASES_TEST"
ROOT = Path(__file__).parents[2]
NORMAL, PRIMARY_DOWN = "test_use_case_1_normal.py", "test_use_case_2_primary_down.py"


@pytest.mark.parametrize(
    ("mutant", "module", "case", "broken"),
    [
        (
            "repetition-answered-otherwise",
            NORMAL,
            "normal-by-id",
            "test_a_write_that_is_sent_again_happens_once",
        ),
        (
            "one-direction",
            PRIMARY_DOWN,
            "primary-flapping",
            "test_no_acknowledged_write_is_lost",
        ),
    ],
)
def test_a_mutant_fails_the_test_of_the_promise_that_it_breaks(
    tmp_path: Path, mutant: str, module: str, case: str, broken: str
) -> None:
    mark = uuid.uuid4().hex
    command = f"{sys.executable} -m tests.mutants.launch {mutant}"
    words = [f"scenarios/{module}", "-k", case, "--tb=no", "-q", "--basetemp", str(tmp_path / "t")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "--lb-command", command],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"FAILED scenarios/{module}::{broken}[{case}" in run.stdout
    assert "ERROR" not in run.stdout
    assert processes_marked(MARK, mark) == []

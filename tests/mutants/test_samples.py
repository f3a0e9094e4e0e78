"""One mutant of each family in a real lab, with no server left; `make mutants` tries all."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.marked_processes import processes_marked
from tests.mutants.zoo import ZOO

pytestmark = [pytest.mark.real, pytest.mark.alone]

MARK = "CHROMA_CHAOS_ZOO_TEST"
ROOT = Path(__file__).parents[2]
SECONDS = 240


def test_the_samples_are_caught_by_the_checkers_that_name_them(tmp_path: Path) -> None:
    samples = [mutant.name for mutant in ZOO.values() if mutant.is_sample]
    mark = uuid.uuid4().hex
    only = [word for name in samples for word in ("--only", name)]
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutants", *only, "--directory", str(tmp_path / "zoo")],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(samples)} of {len(samples)} mutants caught" in run.stdout
    assert processes_marked(MARK, mark) == []


def test_a_name_that_is_not_in_the_zoo_is_refused_with_those_that_are() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--only", "unicorn"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "unicorn" in run.stderr
    assert "one-direction" in run.stderr

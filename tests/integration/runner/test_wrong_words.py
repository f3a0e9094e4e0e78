import subprocess
import sys
from pathlib import Path

import pytest

from harness.runner.scenario import RANDOM
from harness.runner.scenarios.registry import SCENARIOS


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["run", "primary-up"],
            "chroma-chaos: there is no scenario 'primary-up'; the scenarios are "
            + ", ".join((*SCENARIOS, RANDOM)),
        ),
        (
            ["run", "normal", "--lab", "moon"],
            "chroma-chaos: there is no lab 'moon'; the labs are processes, compose, remote",
        ),
    ],
)
def test_a_wrong_word_gets_one_line_that_names_the_right_ones(
    arguments: list[str], line: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [line]
    assert list(tmp_path.iterdir()) == []


def test_a_place_without_a_run_cannot_be_judged(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "judge", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no run" in done.stderr

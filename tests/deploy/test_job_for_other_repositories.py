"""The job that others copy: it fails for a load balancer that loses writes, and passes for ours."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.deploy.documents import PROJECT, read_yaml
from tests.marked_processes import processes_marked

pytestmark = pytest.mark.real

JOB = "docs/examples/chaos.yaml"
MARK = "CHROMA_CHAOS_JOB_TEST"


def run_step(repository: Path, chosen: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the step that judges as GitHub would, in a repository with the harness beside it."""
    workflow = read_yaml(JOB)
    (step,) = [each for each in workflow["jobs"]["chaos"]["steps"] if each.get("id") == "judge"]
    (repository / "chroma-chaos").symlink_to(PROJECT)
    filled = {
        name: value.replace("${{ github.workspace }}", str(repository))
        for name, value in step["env"].items()
    }
    script = repository / "step.sh"
    script.write_text(step["run"])
    mark = uuid.uuid4().hex
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=repository,
        env={
            **os.environ,
            **workflow["env"],
            **settings,
            **filled,
            "PYTEST_ADDOPTS": f"-k {chosen} --tb=no -q --basetemp {repository / 'tmp'}",
            MARK: mark,
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert processes_marked(MARK, mark) == []
    return run


def artifacts() -> list[str]:
    """Name what the job uploads."""
    step = read_yaml(JOB)["jobs"]["chaos"]["steps"][-1]
    return list(step["with"]["path"].split())


def test_a_load_balancer_without_a_log_fails_it(tmp_path: Path) -> None:
    broken = PROJECT / "tests/mutants/dual_write_lb.py"
    run = run_step(
        tmp_path,
        "primary-down-by-id",
        LB_COMMAND=f"{sys.executable} {broken}",
        LB_READY="/api/v2/heartbeat",
        USE_CASES="test_use_case_2_primary_down.py",
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "::test_no_operation_fails[primary-down-by-id" in run.stdout
    assert "ERROR" not in run.stdout
    assert all((tmp_path / each).exists() for each in artifacts())


@pytest.mark.alone
def test_ours_passes_it(tmp_path: Path) -> None:
    run = run_step(
        tmp_path,
        "normal-by-id",
        LB_COMMAND=f"{sys.executable} -m lb",
        LB_READY="/api/v2/heartbeat",
        USE_CASES="test_use_case_1_normal.py",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout

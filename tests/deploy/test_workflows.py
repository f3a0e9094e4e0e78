"""The workflows for GitHub are valid, ask for little, and name only what is there."""

import re
import subprocess
import sys
from typing import Any

import pytest

from tests.deploy.documents import PROJECT, read_yaml

OURS, FOR_OTHERS = ".github/workflows/ci.yaml", "docs/examples/chaos.yaml"
WORKFLOWS = (OURS, FOR_OTHERS)
ACTIONLINT = PROJECT / ".tools/bin/actionlint"

pytestmark = pytest.mark.parametrize("workflow", WORKFLOWS)


def steps(workflow: str) -> list[Any]:
    return [step for job in read_yaml(workflow)["jobs"].values() for step in job["steps"]]


def commands(workflow: str) -> list[str]:
    """Return the lines of all scripts."""
    scripts = [step["run"] for step in steps(workflow) if "run" in step]
    return [line for script in scripts for line in script.splitlines()]


def targets() -> set[str]:
    """Return the documented targets of the Makefile."""
    makefile = (PROJECT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_it_is_what_githubs_schema_asks_for(workflow: str, schema: str) -> None:
    words = ["-m", "check_jsonschema", "--builtin-schema", schema, workflow]
    check = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_actionlint_finds_nothing(workflow: str) -> None:
    if not ACTIONLINT.is_file():
        pytest.skip("there is no actionlint; `make deploy-tools` builds it")
    check = subprocess.run(
        [str(ACTIONLINT), workflow], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_it_may_only_read_and_ends_by_itself(workflow: str) -> None:
    described = read_yaml(workflow)
    assert described["permissions"] == {"contents": "read"}
    assert described["concurrency"]["cancel-in-progress"] is True
    for job in described["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 60


def test_actions_are_githubs_own_and_pinned_by_major_version(workflow: str) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", action), action


def test_reports_are_kept_also_after_a_failure(workflow: str) -> None:
    kept = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/upload")]
    assert kept
    assert all(step["if"] == "always()" for step in kept)


def test_every_target_of_make_that_it_names_is_there(workflow: str) -> None:
    named = {
        word
        for line in commands(workflow)
        if line.startswith("make ")
        for word in re.sub(r'\w+=("[^"]*"|\S+)|-C \S+', "", line).split()[1:]
    }
    assert named
    assert named <= targets()


def test_ours_works_by_make_alone(workflow: str) -> None:
    if workflow == OURS:
        assert all(line.startswith("make ") for line in commands(workflow))
    else:
        use_cases = read_yaml(workflow)["env"]["USE_CASES"].split()
        assert all((PROJECT / "scenarios" / name).is_file() for name in use_cases)

"""The examples of the pages that say how to add something work, on real servers."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from docs.examples import distinct, notes
from docs.examples.own_servers import own_servers
from docs.examples.trickle import Trickle
from harness.checkers import judge
from harness.cli.main import main
from harness.faults import registry as faults
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.runner import lab_choice
from harness.workloads import registry as workloads

pytestmark = pytest.mark.real


def run(directory: Path, *words: str) -> int:
    """Run what a person would at a terminal; gives the exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["run", *words, "--seed", "7", "--run-directory", str(directory)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_fault_a_workload_and_a_checker_are_used_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = workloads.Workload("notes", "Keep notes, and read each back.", notes.invocations)
    monkeypatch.setitem(faults.FAULTS, "trickle", Trickle)
    monkeypatch.setitem(workloads.WORKLOADS, "notes", workload)
    monkeypatch.setitem(judge._ALWAYS, distinct.NAME, distinct.check)

    code = run(
        tmp_path / "run",
        *("--fault", "trickle replica 50 at 1 for 2"),
        *("--seconds", "5", "--workload", "notes"),
    )

    verdicts = json.loads((tmp_path / "run" / "verdict.json").read_text())["verdicts"]
    ours = next(verdict for verdict in verdicts if verdict["checker"] == distinct.NAME)
    assert (code, ours["outcome"]) == (0, "pass")
    assert "an answer trickled in" in (tmp_path / "run" / "history.jsonl").read_text()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessLab]:
    """A system that somebody else has started; where it is stands in the environment."""
    lab = ProcessLab(ProcessLabSettings(tmp_path / "system"))
    asyncio.run(lab.start())
    monkeypatch.setenv("LB_URL", lab.lb_url)
    for instance in lab.instances:
        process = lab.identity(instance.name)
        assert process is not None
        monkeypatch.setenv(f"{instance.name.upper()}_URL", instance.url)
        monkeypatch.setenv(f"{instance.name.upper()}_PID", str(process.pid))
    yield lab
    asyncio.run(lab.stop())


def test_a_lab_is_used_as_any_other(
    tmp_path: Path, system: ProcessLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = {**lab_choice.LABS, "own-servers": own_servers}
    monkeypatch.setattr(lab_choice, "LABS", MappingProxyType(labs))
    words = ("--lab", "own-servers", "--seconds", "5", "--fault")

    assert run(tmp_path / "run", *words, "pause primary at 1 for 2") == 0

    history = (tmp_path / "run" / "history.jsonl").read_text()
    assert "the process is stopped and a request was silent" in history
    assert not system.is_paused("primary")
    assert main(["run", *words, "kill primary"]) == 2

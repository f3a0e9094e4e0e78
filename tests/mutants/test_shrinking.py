"""A run that fails on a real broken load balancer is reduced to the one fault that matters."""

import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest

from harness.model.history import History
from harness.model.operation import Invocation
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.run_directory import RunDirectory, write_json
from harness.runner.schedules import read_schedule
from tests.marked_processes import processes_marked

# Five runs, one after another, in the fixture that the first test asks for.
pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

BROKEN_LB = Path(__file__).with_name("broken_lb.py")
MARK = "CHROMA_CHAOS_SHRINKING_TEST"
MATTERS = ScheduledFault(fault="kill primary", at_seconds=1.5, seconds=2.5)
DOES_NOT = ScheduledFault(fault="latency replica 100", at_seconds=0.5, seconds=3.0)
SCHEDULE = Schedule(
    seed=3, seconds=4.0, faults=(MATTERS, DOES_NOT), clients=("client-2", "client-4")
)


class Shrunk:
    """A run that failed, and what `shrink` made of it."""

    def __init__(self, root: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.failed = RunDirectory(root / "failed")
        self.shrink = root / "shrink"
        schedule = root / "schedule.json"
        write_json(schedule, SCHEDULE)
        command = [sys.executable, str(BROKEN_LB), "forget_once_primary_was_down", "client-2"]
        self.options = ["--seed", "3", "--lb-command", shlex.join(command)]
        run = ["run", "--schedule", str(schedule), *self.options]
        self.run = self.call([*run, "--run-directory", str(self.failed.path)])
        arguments = ["--checker", "durability", "--repeats", "1"]
        self.shrinking = self.call(
            ["shrink", str(self.failed.path), *arguments, "--run-directory", str(self.shrink)]
        )

    def call(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness.cli", *arguments],
            env={**os.environ, MARK: self.mark},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )


@pytest.fixture(scope="module")
def shrunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shrunk]:
    shrunk = Shrunk(tmp_path_factory.mktemp("shrinking"))
    yield shrunk
    assert processes_marked(MARK, shrunk.mark) == []


def test_the_smallest_schedule_has_the_one_fault_and_the_one_client_that_matter(
    shrunk: Shrunk,
) -> None:
    assert shrunk.run.returncode == 1, shrunk.run.stdout + shrunk.run.stderr
    output = shrunk.shrinking.stdout + shrunk.shrinking.stderr
    assert shrunk.shrinking.returncode == 0, output
    smallest = read_schedule(shrunk.shrink / "smallest.json")
    assert smallest.faults == (MATTERS,), output
    assert smallest.clients == ("client-2",), output
    assert "it failed 1 of 1 times" in output


def test_the_command_that_repeats_it_is_printed_and_stands_in_the_run(shrunk: Shrunk) -> None:
    smallest = ["run", "--schedule", str(shrunk.shrink / "smallest.json"), *shrunk.options]
    assert f"again:   {shlex.join(['chroma-chaos', *smallest])}\n" in shrunk.shrinking.stdout
    description = msgspec.json.decode(shrunk.failed.description.read_bytes())
    words = ["run", "--schedule", str(shrunk.failed.schedule), *shrunk.options]
    assert description["command"] == shlex.join(["chroma-chaos", *words])
    assert read_schedule(shrunk.failed.schedule) == SCHEDULE


def invocations(history: History, process: str) -> list[Invocation]:
    fields = Invocation.__struct_fields__
    return [
        Invocation(**{name: getattr(operation, name) for name in fields})
        for operation in sorted(history.operations, key=lambda operation: operation.number)
        if operation.process == process
    ]


@pytest.mark.parametrize("process", ["setup", "client-2", "client-4"])
def test_two_runs_of_one_seed_ask_for_the_same_in_the_same_order(
    shrunk: Shrunk, process: str
) -> None:
    first = invocations(shrunk.failed.read()[0], process)
    again = invocations(RunDirectory(shrunk.shrink / "001").read()[0], process)
    length = min(len(first), len(again))
    assert length > 0
    assert first[:length] == again[:length]
    assert read_schedule(shrunk.shrink / "001" / "schedule.json") == SCHEDULE


def test_a_client_that_takes_part_alone_asks_for_what_it_asked_among_others(
    shrunk: Shrunk,
) -> None:
    among_others = invocations(shrunk.failed.read()[0], "client-2")
    runs = sorted(shrunk.shrink.glob("[0-9][0-9][0-9]"))
    alone = RunDirectory(runs[-1]).read()[0]
    asked = invocations(alone, "client-2")
    same = takewhile(lambda pair: pair[0] == pair[1], zip(among_others, asked, strict=False))
    assert len(list(same)) == min(len(among_others), len(asked)) > 0
    assert {operation.process for operation in alone.operations} == {"setup", "client-2"}

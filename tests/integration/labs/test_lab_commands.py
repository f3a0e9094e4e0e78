"""`chroma-chaos lab` and `chroma-chaos doctor`, as a person at a terminal sees them."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.keeping.register import LabRecord, LabRegister
from harness.labs.process_tree import runs
from tests.integration.labs.containers import needs_containers, run_of, things_of
from tests.integration.labs.waiting import wait_until

pytestmark = pytest.mark.real

FORWARDING_LB = shlex.join([sys.executable, str(Path(__file__).with_name("forwarding_lb.py"))])
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def runs_root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def chroma_chaos(runs_root: Path) -> Iterator[Command]:
    """Run the command line; labs that a test leaves up are taken down."""
    environment = {**os.environ, "CHROMA_CHAOS_RUNS": str(runs_root)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness.cli", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=90, check=False
        )

    yield run
    assert run("lab", "down", "--all").returncode == 0


@pytest.fixture
def up(chroma_chaos: Command, runs_root: Path) -> Callable[..., LabRecord]:
    """Bring a lab up and give its record."""

    def bring_up(*options: str) -> LabRecord:
        before = {record.name for record in LabRegister(runs_root).records()}
        done = chroma_chaos("lab", "up", "--lb-command", FORWARDING_LB, *options)
        assert done.returncode == 0, done.stderr
        (new,) = (r for r in LabRegister(runs_root).records() if r.name not in before)
        return new

    return bring_up


def pids(record: LabRecord) -> list[psutil.Process]:
    assert record.keeper is not None
    servers = [psutil.Process(server.process.pid) for server in record.servers]
    return [psutil.Process(record.keeper.pid), *servers]


def are_gone(processes: list[psutil.Process]) -> None:
    """Wait until none runs; within which time is asserted by test_no_orphans.py, alone."""

    def left() -> list[psutil.Process]:
        return [process for process in processes if runs(process)]

    wait_until(lambda: not left(), 30, left)


def process_of(record: LabRecord, server: str) -> psutil.Process:
    (found,) = (entry for entry in record.servers if entry.name == server)
    return psutil.Process(found.process.pid)


def test_a_lab_outlives_its_command_until_it_is_taken_down(
    chroma_chaos: Command, up: Callable[..., LabRecord]
) -> None:
    record = up()
    processes = pids(record)
    assert all(runs(process) for process in processes)
    shown = chroma_chaos("lab", "status")
    assert shown.returncode == 0
    assert "lab-1: healthy, up 0 min" in shown.stdout
    assert all(server.url in shown.stdout for server in record.servers)

    down = chroma_chaos("lab", "down")
    assert down.returncode == 0, down.stderr
    assert "lab-1 is down" in down.stdout
    assert not any(runs(process) for process in processes)
    assert "no lab is up" in chroma_chaos("lab", "status").stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")
def test_the_printed_lines_work_as_they_are_with_our_own_lb(chroma_chaos: Command) -> None:
    shown = chroma_chaos("lab", "up")
    assert re.search(r"all healthy after \d+\.\d\d s \(.*postgres \d", shown.stdout)
    lines = re.findall(r"^(?:C=|ID=|curl ).*$", shown.stdout, re.MULTILINE)
    assert len(lines) == 5
    script = "\n".join(["set -e", *lines])
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert '"ids":[["a"]]' in done.stdout
    assert '"documents":[["east"]]' in done.stdout
    assert re.search(r'"healthy_instances": *2', done.stdout)


@needs_containers
def test_a_lab_of_containers_is_brought_up_looked_at_and_taken_down_like_any_other(
    chroma_chaos: Command, runs_root: Path
) -> None:
    shown = chroma_chaos("lab", "up", "--lab", "compose")
    assert shown.returncode == 0, shown.stderr
    (record,) = LabRegister(runs_root).records()
    run_id = run_of((Path(record.run_directory) / "data").readlink().name)
    assert len(things_of(run_id)) > 5
    assert chroma_chaos("lab", "status").returncode == 0
    (line,) = re.findall(r"^curl .*/admin/instances$", shown.stdout, re.MULTILINE)
    asked = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert asked.stdout.count('"healthy": true') + asked.stdout.count('"healthy":true') == 2

    process_of(record, "replica").kill()
    dead = chroma_chaos("lab", "status")
    assert (dead.returncode, "replica is dead" in dead.stdout) == (1, True)
    down = chroma_chaos("lab", "down")
    assert down.returncode == 0, down.stderr
    assert things_of(run_id) == []


def test_labs_live_side_by_side_and_are_named(
    chroma_chaos: Command, up: Callable[..., LabRecord], tmp_path: Path
) -> None:
    first = up("--instances", "1")
    second = up("--instances", "1", "--run-directory", str(tmp_path / "elsewhere" / "mine"))
    assert (first.name, second.name) == ("lab-1", "mine")
    assert (tmp_path / "elsewhere" / "mine" / "logs" / "postgres.log").is_file()

    refused = chroma_chaos("lab", "down")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "lab-1, mine" in refused.stderr
    taken = chroma_chaos("lab", "up", "--run-directory", str(tmp_path / "other" / "mine"))
    assert (taken.returncode, "there is a lab called mine" in taken.stderr) == (2, True)

    assert chroma_chaos("lab", "down", "mine").returncode == 0
    assert all(runs(process) for process in pids(first))


def test_status_names_a_dead_server_and_fails(
    chroma_chaos: Command, up: Callable[..., LabRecord]
) -> None:
    record = up()
    replica = process_of(record, "replica")
    replica.kill()
    shown = chroma_chaos("lab", "status")
    assert shown.returncode == 1
    assert "lab-1: replica is dead" in shown.stdout


def test_a_lab_whose_keeper_was_killed_is_reported_and_can_be_struck_out(
    chroma_chaos: Command, up: Callable[..., LabRecord]
) -> None:
    record = up()
    processes = pids(record)
    processes[0].kill()
    are_gone(processes)
    shown = chroma_chaos("lab", "status")
    assert shown.returncode == 1
    assert "lb is dead" in shown.stdout
    assert chroma_chaos("lab", "down", record.name).returncode == 0
    assert chroma_chaos("lab", "status").returncode == 0


def test_an_lb_that_does_not_start_is_reported_once_and_leaves_no_lab(
    chroma_chaos: Command, runs_root: Path
) -> None:
    failing = shlex.join([sys.executable, "-c", "raise SystemExit('COLOUR is not set')"])
    done = chroma_chaos("lab", "up", "--lb-command", failing)
    assert done.returncode == 2
    assert "chroma-chaos: lb ended at start with exit code 1" in done.stderr
    assert "COLOUR is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert LabRegister(runs_root).records() == ()


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_start_leaves_no_lab(
    chroma_chaos: Command, runs_root: Path, number: int, exit_code: int
) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "lab", "up", "--lb-command", "sleep 60"],
        env={**os.environ, "CHROMA_CHAOS_RUNS": str(runs_root)},
        stdout=subprocess.DEVNULL,
    )
    log = runs_root / "lab-1" / "logs" / "lb.log"
    wait_until(log.exists, 20, command.poll)
    (record,) = LabRegister(runs_root).records()
    assert record.keeper is not None
    keeper = psutil.Process(record.keeper.pid)
    started = [keeper, *keeper.children(recursive=True)]
    command.send_signal(number)
    assert command.wait(30) == exit_code
    are_gone(started)
    assert LabRegister(runs_root).records() == ()


def test_the_doctor_finds_every_part_here(chroma_chaos: Command) -> None:
    done = chroma_chaos("doctor")
    assert done.returncode == 0, done.stdout
    for part in ("Python", "PostgreSQL", "Chroma", "Toxiproxy", "lb"):
        assert re.search(rf"^{part} +found +\d+\.\d+", done.stdout, re.MULTILINE)

"""However the runner ends, three seconds later nothing that it started runs."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.labs.cpu import why_no_cpu_limits
from harness.labs.disks import why_no_disks
from harness.labs.process_tree import runs
from tests.integration.labs.runners import LIMIT_SECONDS, Runner
from tests.integration.labs.waiting import wait_until

pytestmark = [pytest.mark.real, pytest.mark.alone]

# Two Chroma servers, PostgreSQL and at least three of its children, Toxiproxy, the lb, the warden.
AT_LEAST_PROCESSES = 9


def ready(runner: Runner) -> list[psutil.Process]:
    wait_until(runner.is_ready, 30, runner.output.read_text)
    started = runner.started()
    assert len(started) >= AT_LEAST_PROCESSES
    return started


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, -1)],
)
def test_nothing_survives_a_signal_to_the_runner(
    start_runner: Callable[..., Runner], number: int, exit_code: int
) -> None:
    runner = start_runner()
    started, data = ready(runner), runner.data()
    runner.process.send_signal(number)
    runner.assert_nothing_is_left(started, data)
    assert runner.process.wait(LIMIT_SECONDS) == exit_code


def test_nothing_survives_a_kill_in_the_middle_of_a_real_run(
    start_runner: Callable[..., Runner],
) -> None:
    runner = start_runner("run", "primary-down")
    history = runner.directory / "history.jsonl"

    def is_under_way() -> bool:
        assert runner.process.poll() is None, runner.output.read_text()
        return history.exists() and len(history.read_bytes().splitlines()) > 50

    wait_until(is_under_way, 60, runner.output.read_text)
    started, data = runner.started(), runner.data()
    assert len(started) >= AT_LEAST_PROCESSES
    runner.process.kill()
    runner.assert_nothing_is_left(started, data)


@pytest.mark.skipif(bool(why_no_disks()), reason=why_no_disks())
def test_a_kill_leaves_no_disk_and_a_failpoint_is_reached_by_clients(
    start_runner: Callable[..., Runner], tmp_path: Path
) -> None:
    schedule = tmp_path / "schedule.json"
    faults = [
        {"fault": "disk-full replica", "at_seconds": 0.1, "seconds": 60},
        {"fault": "failpoint lb after-append", "at_seconds": 0.2, "seconds": 60},
    ]
    schedule.write_text(json.dumps({"seed": 7, "seconds": 70, "faults": faults}))
    runner = start_runner("run", "--schedule", str(schedule))
    history = runner.directory / "history.jsonl"

    def evidence() -> list[str]:
        assert runner.process.poll() is None, runner.output.read_text()
        lines = history.read_text().splitlines() if history.exists() else []
        records = [json.loads(line) for line in lines if '"type":"fault"' in line]
        return [record.get("effect_evidence", "") for record in records]

    def both_are_seen() -> bool:
        text = " ".join(evidence())
        return "No space left on device" in text and "exit code 137" in text

    wait_until(both_are_seen, 60, evidence)
    data = runner.data()
    (image,) = data.glob("*.ext4")
    assert str(image) in loop_devices()
    runner.process.kill()
    runner.assert_nothing_is_left([], data)
    wait_until(lambda: str(image) not in loop_devices(), LIMIT_SECONDS, loop_devices)
    assert str(data) not in Path("/proc/self/mounts").read_text()


def loop_devices() -> str:
    return " ".join(path.read_text() for path in Path("/sys/block").glob("loop*/loop/backing_file"))


def test_nothing_survives_a_signal_to_the_runners_whole_group(
    start_runner: Callable[..., Runner],
) -> None:
    # What a terminal does on Ctrl-C: only the runner may take it, or the lb would die first.
    runner = start_runner()
    started, data = ready(runner), runner.data()
    os.killpg(runner.process.pid, signal.SIGINT)
    runner.assert_nothing_is_left(started, data)
    assert runner.process.wait(LIMIT_SECONDS) == 130


def test_nothing_survives_an_exception_in_the_runner(start_runner: Callable[..., Runner]) -> None:
    runner = start_runner("--raise")
    data = runner.data()
    assert runner.process.wait(30) == 1
    assert "ValueError: something unforeseen" in runner.output.read_text()
    runner.assert_nothing_is_left([], data)


@pytest.mark.skipif(bool(why_no_cpu_limits()), reason=why_no_cpu_limits())
def test_a_kill_leaves_no_limit_of_cpu_time(start_runner: Callable[..., Runner]) -> None:
    runner = start_runner("--fault", "cpu-limit primary 10", "--fault", "cpu-limit postgres 10")
    started, data = ready(runner), runner.data()

    def groups() -> list[Path]:
        return list(Path("/sys/fs/cgroup/cpu").glob(f"*{runner.run_id}*"))

    assert len(groups()) == 2
    runner.process.kill()
    runner.assert_nothing_is_left(started, data)
    wait_until(lambda: not groups(), LIMIT_SECONDS, groups)


@pytest.mark.parametrize("servers", [1, 3, 5])
def test_nothing_survives_a_kill_during_the_start(
    start_runner: Callable[..., Runner], servers: int
) -> None:
    runner = start_runner()
    data = runner.data()
    # The warden bears the mark, too.
    wait_until(lambda: len(runner.marked()) > servers, 20, runner.marked)
    started = runner.started()
    runner.process.kill()
    runner.assert_nothing_is_left(started, data)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_without_the_warden_the_kernel_leaves_no_server(
    start_runner: Callable[..., Runner],
) -> None:
    runner = start_runner()
    started, data = ready(runner), runner.data()
    (warden,) = (process for process in started if "harness.labs.warden" in process.cmdline())
    warden.kill()
    runner.process.kill()
    wait_until(
        lambda: not any(runs(process) for process in started),
        LIMIT_SECONDS,
        lambda: [process for process in started if runs(process)],
    )
    shutil.rmtree(data)  # What only the warden would have done.


def test_without_the_kernels_help_the_warden_leaves_no_server(
    start_runner: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A path on which there is no setpriv, as on other systems.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cp").symlink_to("/bin/cp")
    monkeypatch.setenv("PATH", str(tools))
    runner = start_runner()
    started, data = ready(runner), runner.data()
    runner.process.kill()
    runner.assert_nothing_is_left(started, data)

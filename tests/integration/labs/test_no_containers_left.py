"""However the runner of a lab of containers ends, nothing of it stays in the engine."""

import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.labs.containers.engine import Engine
from harness.labs.containers.project import leftovers
from tests.integration.labs.containers import needs_containers, things_of
from tests.integration.labs.runners import Runner
from tests.integration.labs.waiting import wait_until

pytestmark = [pytest.mark.real, needs_containers]

START_SECONDS = 60.0
# Five containers are killed and removed, with their networks and volumes.
LIMIT_SECONDS = 20.0


def ready(runner: Runner) -> None:
    wait_until(runner.is_ready, START_SECONDS, runner.output.read_text)
    assert len(things_of(runner.run_id)) >= 5


def assert_nothing_is_left(runner: Runner, data: Path) -> None:
    def is_gone() -> bool:
        return not things_of(runner.run_id) and not data.exists()

    wait_until(is_gone, LIMIT_SECONDS, lambda: things_of(runner.run_id))


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_nothing_survives_a_signal_to_the_runner(
    start_runner: Callable[..., Runner], number: int, exit_code: int
) -> None:
    faults = ("--fault", "disconnect primary", "--fault", "cpu-limit replica 10")
    runner = start_runner("--compose", *faults)
    ready(runner)
    data = runner.data()
    runner.process.send_signal(number)
    assert_nothing_is_left(runner, data)
    assert runner.process.wait(LIMIT_SECONDS) == exit_code


def test_nothing_survives_an_exception_in_the_runner(start_runner: Callable[..., Runner]) -> None:
    runner = start_runner("--compose", "--raise")
    data = runner.data()
    assert runner.process.wait(START_SECONDS) == 1
    assert "ValueError: something unforeseen" in runner.output.read_text()
    assert_nothing_is_left(runner, data)


def test_nothing_survives_a_kill_during_the_start(start_runner: Callable[..., Runner]) -> None:
    runner = start_runner("--compose")
    data = runner.data()
    wait_until(lambda: len(things_of(runner.run_id)) > 8, START_SECONDS, runner.output.read_text)
    runner.process.kill()
    assert_nothing_is_left(runner, data)


# The start of any lab of containers would remove it first.
@pytest.mark.alone
def test_what_a_runner_left_that_died_with_its_warden_is_shown_and_removed(
    start_runner: Callable[..., Runner], capsys: pytest.CaptureFixture[str]
) -> None:
    runner = start_runner("--compose")
    ready(runner)
    data = runner.data()
    (warden,) = (each for each in runner.marked() if "harness.labs.warden" in each.cmdline())

    def found() -> list[str]:
        with closing(Engine()) as engine:
            return [remains.run_id for remains in leftovers(engine)]

    assert runner.run_id not in found()
    warden.kill()
    runner.process.kill()
    runner.process.wait()
    wait_until(lambda: runner.run_id in found(), LIMIT_SECONDS, found)
    assert main(["lab", "leftovers"]) == 0
    assert f"would remove run {runner.run_id}" in capsys.readouterr().out
    assert things_of(runner.run_id)
    assert main(["lab", "leftovers", "--apply"]) == 0
    assert f"removed run {runner.run_id}" in capsys.readouterr().out
    assert things_of(runner.run_id) == []
    shutil.rmtree(data)  # What only the warden would have done.

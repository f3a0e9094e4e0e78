"""Labs with a stand-in load balancer, so that these tests are about the lab alone."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.labs.runners import RUNNER, Runner

pytest.register_assert_rewrite("tests.integration.labs.proofs")

FORWARDING_LB = (sys.executable, str(Path(__file__).with_name("forwarding_lb.py")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test each of its module's faults; one of a moment is never there to be healed."""
    if "fault" in metafunc.fixturenames and hasattr(metafunc.module, "OF_A_MOMENT"):
        module = metafunc.module
        faults = list(module.FAULTS)
        if "no_proof_of_healing" not in metafunc.function.__name__:
            faults += module.OF_A_MOMENT
        metafunc.parametrize("fault", faults, ids=lambda fault: fault.name)


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., ProcessLab]]:
    """Make labs that are stopped when the test ends."""
    labs: list[ProcessLab] = []

    def make(name: str = "run", **settings: object) -> ProcessLab:
        settings = {"lb_command": FORWARDING_LB, **settings}
        labs.append(ProcessLab(ProcessLabSettings(tmp_path / name, **settings)))
        return labs[-1]

    yield make
    for lab in labs:
        asyncio.run(lab.stop())


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLab]:
    """Share one running lab; a test leaves every server of it alive."""
    lab = ProcessLab(
        ProcessLabSettings(tmp_path_factory.mktemp("shared") / "run", lb_command=FORWARDING_LB)
    )
    asyncio.run(lab.start())
    yield lab
    asyncio.run(lab.stop())


@pytest.fixture
def start_runner(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    runners: list[Runner] = []

    def start(*options: str) -> Runner:
        directory = tmp_path / f"run-{len(runners)}"
        command = (str(RUNNER), str(directory), *options)
        if options[:1] == ("run",):
            command = ("-m", "harness.cli", *options, "--run-directory", str(directory))
        runners.append(Runner(directory, command))
        runners[-1].note_run_id()
        return runners[-1]

    yield start
    for runner in runners:
        runner.process.kill()
        runner.process.wait()

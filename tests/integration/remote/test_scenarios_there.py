"""`pytest scenarios` in a system that runs already; it leaves nothing, also after Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.labs.waiting import wait_until
from tests.integration.remote.conftest import TOKENS, Deployed

pytestmark = [pytest.mark.real, pytest.mark.alone]

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_session_that_is_stopped_removes_what_it_made(
    deployed: Deployed, tmp_path: Path, number: signal.Signals
) -> None:
    words = ["-m", "pytest", "scenarios/test_use_case_1_normal.py", *deployed.options]
    with (tmp_path / "output").open("w+") as output:
        session = subprocess.Popen(
            [sys.executable, *words],
            cwd=PROJECT,
            env={**os.environ, **TOKENS},
            stdout=output,
            stderr=output,
        )

        def is_under_way() -> bool:
            assert session.poll() is None, (tmp_path / "output").read_text()
            return [len(names) for names in deployed.names()] == [4, 4, 4]

        try:
            wait_until(is_under_way, 60.0, deployed.names)
            session.send_signal(number)
            assert session.wait(60.0) == 128 + number, (tmp_path / "output").read_text()
        finally:
            session.kill()
            session.wait()
    assert deployed.names() == [{"global"}] * 3
    assert f"stopped by {number.name}" in (tmp_path / "output").read_text()

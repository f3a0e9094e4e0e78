"""The command `serve` as a process: what it prints, whom it lets in, how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.saved_runs import SavedRunPlan, save_run


def serve(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "serve", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    save_run(tmp_path, SavedRunPlan())
    process = serve("--port", "0", "--runs", str(tmp_path))
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_and_ends_by_a_signal(
    server: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    answer = httpx.get(found.group(), trust_env=False)
    assert SavedRunPlan().name in answer.text
    server.send_signal(number)
    told, complaints = server.communicate(timeout=30)
    assert server.returncode == 0
    assert told.endswith("ended\n")
    assert complaints == ""


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = serve("--port", port, "--runs", str(tmp_path))
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 2
    assert complaint.count("\n") == 1
    assert f"127.0.0.1:{port} cannot be served" in complaint
    assert "name another --port" in complaint


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    process = serve("--runs", str(tmp_path / "nowhere"))
    _, complaint = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "there is no directory" in complaint

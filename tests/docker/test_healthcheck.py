"""The health check of the image, as a process of its own; needs no engine."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from harness.labs.ports import PortReservations
from tests.docker.compose_project import ROOT

SCRIPT = ROOT / "compose" / "lb" / "healthcheck.py"


def check(port: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT],
        env={"PORT": port},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(params=[200, 503])
def server(request: pytest.FixtureRequest) -> Iterator[HTTPServer]:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    server.status = request.param
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_ends_with_what_health_answers(server: HTTPServer) -> None:
    done = check(str(server.server_port))
    assert (done.returncode == 0) == (server.status == 200)
    assert not done.stderr


def test_it_fails_where_nobody_listens() -> None:
    ports = PortReservations()
    try:
        done = check(str(ports.reserve()))
    finally:
        ports.release()
    assert done.returncode == 1
    assert "no answer" in done.stderr

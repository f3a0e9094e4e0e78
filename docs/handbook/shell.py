"""Owns one shell in which the commands of a document are run, one after another."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_MARK = "--ended--"


class DeadlineError(Exception):
    """A command did not end in time; the text holds what it had printed until then."""


@dataclass(frozen=True)
class Ended:
    """What a command printed, on both streams, and its exit code."""

    printed: str
    exit_code: int


class Shell:
    """A bash in a directory: variables stay from one command to the next, as at a terminal.

    Commands have nothing to read. When it is left, all that it started in its session is killed.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile"],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def run(self, command: str, seconds: float) -> Ended:
        """Run one command; raises `DeadlineError` when it takes longer."""
        # A command that reads would eat what is written for the shell after it.
        script = f"{{ {command}\n}} </dev/null\necho {_MARK}$?\n"
        self._stdin.write(script.encode())
        self._stdin.flush()
        deadline = time.monotonic() + seconds
        printed = b""
        while True:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise DeadlineError(
                    f"{command!r} took longer than {seconds:g} s; printed until then:\n"
                    + printed.decode(errors="replace")
                )
            piece = os.read(self._stdout.fileno(), 65536)
            printed += piece
            text, mark, code = printed.decode(errors="replace").rpartition(_MARK)
            if mark and code.endswith("\n"):
                return Ended(text, int(code))
            if not piece:
                raise DeadlineError(f"{command!r} ended the shell; printed until then:\n{text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        self._stdin.close()
        self._stdout.close()

"""A terminal in memory: a real pseudo-terminal, and its screen as a person would see it."""

import fcntl
import os
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

_ENDED = OSError


# Takes the terminal, so that its keys send signals, also where tests run in the background. It is
# done after the fork and in a new program: a process with threads must not do it between the two.
_IN_THE_FOREGROUND = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _without_size(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would contradict the terminal; pytest's workers set it."""
    return {name: environment[name] for name in environment if name not in ("COLUMNS", "LINES")}


class Terminal:
    """One command in a terminal of its own; keys reach it as from a keyboard, Ctrl-C too."""

    def __init__(
        self, command: Sequence[str], columns: int, lines: int, **environment: str
    ) -> None:
        self._master, self._slave = os.openpty()
        self._resize_terminal(columns, lines)
        self.modes_before = termios.tcgetattr(self._slave)
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_THE_FOREGROUND, *command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**_without_size(os.environ), "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()

    @property
    def modes(self) -> list[object]:
        """How the terminal treats keys now."""
        return termios.tcgetattr(self._slave)

    @property
    def has_cursor(self) -> bool:
        with self._lock:
            return not self._screen.cursor.hidden

    def shown(self) -> str:
        """Everything on the screen now."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def scrolled(self) -> str:
        """What has left the screen at its top, and the screen."""
        with self._lock:
            above = [
                "".join(line[column].data for column in range(self._screen.columns)).rstrip()
                for line in self._screen.history.top
            ]
        return "\n".join([*above, self.shown()])

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window smaller or larger, which the kernel tells the command."""
        with self._lock:
            self._screen.resize(lines, columns)
        self._resize_terminal(columns, lines)

    def _resize_terminal(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self._master, 65536)
            except _ENDED:
                return
            with self._lock:
                self._stream.feed(read)

    def wait(self, timeout_seconds: float) -> int:
        """Wait until the command has ended and all it wrote is on the screen."""
        code = self.process.wait(timeout_seconds)
        self._drain()
        return code

    def _drain(self) -> None:
        """End the reader: nobody else holds the slave, so reading fails when all was read."""
        if self._slave >= 0:
            self.modes_after = termios.tcgetattr(self._slave)
            os.close(self._slave)
            self._slave = -1
        self._reader.join(10.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._drain()
        os.close(self._master)

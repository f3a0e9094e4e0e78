"""The live view in real pseudo-terminals: wide, narrow, resized, and left by Ctrl-C."""

import re
import signal
import sys
import uuid
from pathlib import Path

import pytest

from harness.runner.run_directory import RunDirectory
from tests.integration.labs.waiting import wait_until
from tests.marked_processes import processes_marked
from tests.terminal import Terminal

MARK = "CHROMA_CHAOS_LIVE_VIEW_TEST"
STAGED = (sys.executable, str(Path(__file__).with_name("staged_run.py")))
LABELS = ("phase", "rates", "total", "gap", "states", "faults")
TOLD = (
    "38.0 ok/s",
    "0.7 fail/s",
    "1,204 ok",
    "0.213 s",
    "primary DOWN",
    "replica UP",
    "faults kill primary for 3 s",
)
CTRL_C = b"\x03"
SOON = 30.0


def has_panel(terminal: Terminal) -> bool:
    begins = [line.split(" ")[0] for line in terminal.shown().splitlines()]
    return all(label in begins for label in LABELS)


def tells_all(terminal: Terminal) -> bool:
    shown = " ".join(terminal.shown().split())
    return all(words in shown for words in TOLD)


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_the_panel_fits_and_is_gone_at_the_end(columns: int) -> None:
    with Terminal(STAGED, columns, 24) as terminal:
        # What is written may come in pieces: the panel is whole when all of it is there.
        wait_until(lambda: has_panel(terminal) and tells_all(terminal), SOON, terminal.shown)
        assert not terminal.has_cursor
        terminal.process.send_signal(signal.SIGUSR1)
        assert terminal.wait(SOON) == 0
        lines = terminal.shown().split("\n")
        assert [line for line in lines if line] == [
            "primary down (60 s)",
            "  kill primary: injected",
            "verdict: pass",
        ]
        assert terminal.has_cursor


def test_a_window_that_becomes_narrow_shows_the_panel_whole_again() -> None:
    with Terminal(STAGED, 120, 24) as terminal:
        wait_until(lambda: "60 s  \u2501" in terminal.shown(), SOON, terminal.shown)
        terminal.resize(44, 24)
        fits = re.compile(r"60 s  0:\d\d")
        wait_until(
            lambda: has_panel(terminal) and bool(fits.search(terminal.shown())),
            SOON,
            terminal.shown,
        )


def test_ctrl_c_where_nobody_handles_it_leaves_the_terminal_as_it_was() -> None:
    with Terminal(STAGED, 100, 24) as terminal:
        wait_until(lambda: has_panel(terminal), SOON, terminal.shown)
        terminal.press(CTRL_C)
        assert terminal.wait(SOON) == -signal.SIGINT
        assert terminal.has_cursor
        assert terminal.modes_after == terminal.modes_before


@pytest.mark.real
@pytest.mark.alone
def test_a_real_run_is_shown_and_ctrl_c_ends_it_and_gives_the_terminal_back(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    directory = RunDirectory(tmp_path / "run")
    words = ("run", "primary-down", "--seed", "7", "--run-directory", str(directory.path))
    command = (sys.executable, "-m", "harness.cli", *words)
    with Terminal(command, 100, 30, **{MARK: mark}) as terminal:

        def shows(*words: str) -> bool:
            assert terminal.process.poll() is None, terminal.scrolled()
            return all(each in terminal.shown() for each in words)

        wait_until(lambda: shows("starting the lab"), SOON, terminal.shown)
        wait_until(lambda: shows("states primary UP  replica UP"), 60.0, terminal.shown)
        wait_until(lambda: shows("faults kill primary for", "primary DOWN"), 60.0, terminal.shown)
        assert has_panel(terminal)
        terminal.press(CTRL_C)
        assert terminal.wait(20.0) == 128 + signal.SIGINT, terminal.scrolled()
        assert not has_panel(terminal)
        assert "stopped by SIGINT" in terminal.scrolled()
        assert terminal.has_cursor
        assert terminal.modes_after == terminal.modes_before
        assert processes_marked(MARK, mark) == []
        history, _ = directory.read()
        assert history.fault_windows[0].healed_ns

"""One shell for the commands of a document."""

import os
import time
from pathlib import Path

import psutil
import pytest

from docs.handbook.shell import DeadlineError, Ended, Shell

SOON = 20.0


def shell(directory: Path) -> Shell:
    return Shell(directory, os.environ)


def test_variables_stay_and_both_streams_are_kept(tmp_path: Path) -> None:
    with shell(tmp_path) as bash:
        assert bash.run("A=7; cd /", SOON) == Ended("", 0)
        assert bash.run("echo $A; pwd; echo loud >&2", SOON) == Ended("7\n/\nloud\n", 0)


def test_the_exit_code_is_told_and_the_shell_goes_on(tmp_path: Path) -> None:
    with shell(tmp_path) as bash:
        assert bash.run("false", SOON).exit_code == 1
        assert bash.run("(exit 3)  # a comment", SOON).exit_code == 3
        assert bash.run("printf 'no end of line'", SOON) == Ended("no end of line", 0)


def test_a_command_that_reads_finds_nothing(tmp_path: Path) -> None:
    with shell(tmp_path) as bash:
        assert bash.run("cat", SOON) == Ended("", 0)


def test_who_takes_too_long_is_told_with_what_was_printed(tmp_path: Path) -> None:
    began = time.monotonic()
    with shell(tmp_path) as bash:
        with pytest.raises(DeadlineError, match="took longer than") as told:
            bash.run("echo begun; sleep 1000", 0.5)
        (child,) = psutil.Process(bash._process.pid).children()
    assert "begun" in str(told.value)
    assert time.monotonic() - began < SOON
    child.wait(SOON)  # It was killed with the shell.


def test_an_end_of_the_shell_is_told(tmp_path: Path) -> None:
    with shell(tmp_path) as bash, pytest.raises(DeadlineError, match="ended the shell"):
        bash.run("exit 0", SOON)

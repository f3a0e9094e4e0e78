"""Replacing one decision of `lb` in its own process, loudly: a patch that hits nothing is an error.

A mutant that silently were the unmodified lb would count as one that no checker catches.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MARK = "MUTANT MISBEHAVED"
"""Begins each line of the load balancer's log that says that it has done wrong."""


class PatchError(Exception):
    """What a mutant replaces is not there any more, or takes other arguments."""


class Patches:
    """The replacements of one mutant, and its record of having misbehaved."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._undo)

    def replace(self, owner: Any, name: str, new: Any) -> Any:
        """Put `new` in the place of `owner.name`, and return what was there.

        Raises `PatchError` when nothing is there, or something that takes other arguments.
        """
        where = f"{getattr(owner, '__name__', owner)}.{name}"
        if name not in vars(owner):
            raise PatchError(f"{where} is not there: the mutant must follow the load balancer")
        old = vars(owner)[name]
        if old is new:
            raise PatchError(f"{where} is replaced by itself")
        if _parameters(old) != _parameters(new):
            raise PatchError(f"{where} takes {_parameters(old)}, the mutant's {_parameters(new)}")
        setattr(owner, name, new)
        self._undo.append(lambda: setattr(owner, name, old))
        return old

    def set_variable(self, name: str, value: str, settings: Mapping[str, Any]) -> None:
        """Set a variable of the environment; `settings` are those that the lb knows."""
        if name.lower() not in settings:
            raise PatchError(f"{name} is no setting any more: the mutant must follow")
        old = os.environ.get(name)
        os.environ[name] = value
        self._undo.append(lambda: _restore(name, old))

    def undo(self) -> None:
        """Put everything back, for tests that look at many mutants in one process."""
        while self._undo:
            self._undo.pop()()


def misbehaved(what: object) -> None:
    """Record on stderr, which is the lb's log, that the mutant has just done wrong.

    One write call for a line: nothing of it is lost when the process is killed.
    """
    os.write(2, f"{MARK}: {what}\n".encode())


def times_misbehaved(log: Path) -> int:
    """Count what a mutant recorded in the log of its process."""
    return log.read_bytes().count(MARK.encode()) if log.exists() else 0


class EveryNth:
    """Is true each n-th time that it is asked, so that a lab can come up before it breaks."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._asked = 0

    def __call__(self) -> bool:
        self._asked += 1
        return self._asked % self._n == 0


def _parameters(thing: Any) -> list[str]:
    """Name what a function or property takes; a value takes nothing."""
    if isinstance(thing, property):
        return ["property"]
    if isinstance(thing, staticmethod):
        thing = thing.__func__
    if not callable(thing):
        return []
    return list(inspect.signature(thing).parameters)


def _restore(name: str, old: str | None) -> None:
    if old is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = old

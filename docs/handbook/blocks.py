"""Owns what the command blocks of documents mean: which are run, and what they must print. Pure.

The info of a block says it; Markdown shows only its first word:

    console run                   lines after `$ ` are commands, all others what they print
    sh run                        every line is a command; what they print does not matter
    ... exit=1 seconds=90         the exit code of the last command; how long each command may take
    ... numbers=any               any number may stand where another is shown, but for 0
    console not-run: takes an hour

`...` in what is shown stands for anything in that line, alone in a line for any lines, or none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docs.handbook.pages import Fence

LANGUAGES = frozenset({"console", "sh"})
_PROMPT = "$ "
_ANYTHING = "..."
_SECONDS = 60.0
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPACES = re.compile(r" +")


class BlockError(ValueError):
    """A block does not say what becomes of it; the text names what it may say."""


@dataclass(frozen=True)
class Step:
    """One command, what it is shown to print (None: whatever), and how it must end."""

    command: str
    shown: str | None
    exit_code: int = 0


@dataclass(frozen=True)
class Block:
    """The commands of one block; `why_not` says why nobody runs it."""

    line: int
    steps: tuple[Step, ...]
    why_not: str = ""
    seconds: float = _SECONDS
    any_numbers: bool = False


def parse_block(fence: Fence) -> Block | None:
    """Read what a fence asks for; None when it is none of commands. Raises `BlockError`."""
    if fence.language not in LANGUAGES:
        return None
    said = fence.info.removeprefix(fence.language).strip()
    steps = _of_console(fence.text) if fence.language == "console" else _of_sh(fence.text)
    if said.startswith("not-run:"):
        why_not = said.removeprefix("not-run:").strip()
        if not why_not:
            raise BlockError(f"line {fence.line}: say why it is not run, after `not-run:`")
        return Block(fence.line, tuple(steps), why_not)
    mark, *words = said.split() or [""]
    if mark != "run":
        raise BlockError(f"line {fence.line}: say `run`, or `not-run:` and why, not {said!r}")
    options = dict(word.partition("=")[::2] for word in words)
    if unknown := options.keys() - {"exit", "seconds", "numbers"}:
        raise BlockError(f"line {fence.line}: no block has {', '.join(sorted(unknown))}")
    if not steps:
        raise BlockError(f"line {fence.line}: there is no command; they stand after `$ `")
    last = steps[-1]
    steps[-1] = Step(last.command, last.shown, int(options.get("exit", 0)))
    return Block(
        fence.line,
        tuple(steps),
        seconds=float(options.get("seconds", _SECONDS)),
        any_numbers=options.get("numbers") == "any",
    )


def is_as_shown(shown: str, printed: str, *, any_numbers: bool = False) -> bool:
    """Tell whether a command printed what is shown."""
    if any_numbers:
        shown, printed = _without_numbers(shown), _without_numbers(printed)
    lines = _lines(printed)
    first, *others = _runs(_lines(shown))
    if not others:
        return len(lines) == len(first) and _begin_with(lines, first)
    *middle, last = others
    if not _begin_with(lines, first):
        return False
    begin = len(first)
    # Where each run of lines is found first, there is most room for those behind it.
    for run in middle:
        found = (at for at in range(begin, len(lines)) if _begin_with(lines[at:], run))
        at = next(found, None)
        if at is None:
            return False
        begin = at + len(run)
    end = len(lines) - len(last)
    return end >= begin and _begin_with(lines[end:], last)


def _of_console(text: str) -> list[Step]:
    commands: list[tuple[str, list[str]]] = []
    is_continued = False
    for line in text.splitlines():
        if is_continued:
            command, printed = commands[-1]
            commands[-1] = (f"{command}\n{line}", printed)
        elif line.startswith(_PROMPT):
            commands.append((line.removeprefix(_PROMPT), []))
        elif commands:
            commands[-1][1].append(line)
        is_continued = (is_continued or line.startswith(_PROMPT)) and line.endswith("\\")
    return [Step(command, "\n".join(printed)) for command, printed in commands]


def _of_sh(text: str) -> list[Step]:
    lines = text.replace("\\\n", "\\\0").splitlines()
    return [
        Step(line.replace("\0", "\n"), None)
        for line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _without_numbers(text: str) -> str:
    """Put one sign for every number but 0, and one blank for many: columns move with numbers."""
    text = _UUID.sub("#", text)
    text = _NUMBER.sub(lambda found: "0" if found[0] == "0" else "#", text)
    return _SPACES.sub(" ", text)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _runs(shown: Sequence[str]) -> list[list[re.Pattern[str]]]:
    """Give the lines between those that stand for any, each as what may be printed in its place."""
    runs: list[list[re.Pattern[str]]] = [[]]
    for line in shown:
        if line == _ANYTHING:
            runs.append([])
        else:
            parts = (re.escape(part) for part in line.split(_ANYTHING))
            runs[-1].append(re.compile(".*".join(parts)))
    return runs


def _begin_with(lines: Sequence[str], run: Sequence[re.Pattern[str]]) -> bool:
    return len(lines) >= len(run) and all(
        pattern.fullmatch(line) for pattern, line in zip(run, lines, strict=False)
    )

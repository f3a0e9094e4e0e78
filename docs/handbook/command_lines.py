"""Owns which programs the documents call, and with which words. Pure; runs nothing."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from docs.handbook.blocks import parse_block
from docs.handbook.pages import Page

_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_BETWEEN = frozenset({"&&", "||", ";", "|", "&"})
_INTO_FILES = frozenset({">", ">>", "<"})
# What a span of code may begin with to be taken for a command.
_IN_A_SENTENCE = frozenset({"chroma-chaos", "chroma-lb", "make", "locust", "pytest"})


@dataclass(frozen=True)
class CommandLine:
    """A program and its words; `is_whole` where it may not be cut short, as in a sentence."""

    program: str
    words: tuple[str, ...]
    is_whole: bool = True

    def __str__(self) -> str:
        return shlex.join((self.program, *self.words))


def command_lines(page: Page) -> Iterator[CommandLine]:
    """Yield what the blocks of a document call, then what its sentences name."""
    for fence in page.fences:
        block = parse_block(fence)
        for step in block.steps if block else ():
            yield from split(step.command)
    for code in page.code:
        if code.split(" ")[0].removeprefix(".venv/bin/") in _IN_A_SENTENCE:
            for line in split(code):
                yield CommandLine(line.program, line.words, is_whole=False)


def split(command: str) -> Iterator[CommandLine]:
    """Take a shell's command apart into the programs that it calls."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in (*lexer, ";"):
        if word not in _BETWEEN:
            words.append(word)
            continue
        words = _without_files(words)
        while words and _ASSIGNMENT.match(words[0]):
            del words[0]
        if words:
            program = words[0]
            if program.startswith(".venv/bin/"):
                program = PurePosixPath(program).name
            yield CommandLine(program, tuple(words[1:]))
        words = []


def _without_files(words: list[str]) -> list[str]:
    """Leave out where input comes from and output goes."""
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if word not in _INTO_FILES and before not in _INTO_FILES
    ]

"""Every command, target and option that the documents name exists; nothing is run but help."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest

from docs.handbook.command_lines import CommandLine, command_lines, split
from docs.handbook.pages import Fence, documents, read_page
from harness.cli.main import chroma_chaos
from harness.errors import UsageError
from lb.cli import main as chroma_lb

ROOT = Path(__file__).parents[3]
OTHER_SHELLS = {"bash", "shell", "shell-session", "zsh"}
A_COMMAND = re.compile(
    r"\$ |(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?"
    r"(?:chroma-chaos|chroma-lb|curl|docker|git|helm|kubectl|locust|make|pip|pytest|python) "
)
CLICK = {"chroma-chaos": chroma_chaos, "chroma-lb": chroma_lb}


def check(line: CommandLine) -> None:
    """Raise for a command that no program takes."""
    if line.program in CLICK:
        parse(CLICK[line.program], line.words, is_whole=line.is_whole)
    elif line.program == "make":
        for made in made_by(line.words):
            check(made)
    elif asked := asks_for_help(line):
        known = help_of(asked)
        for word in line.words:
            option = re.match(r"--[a-z][a-z0-9-]*", word)
            if option and not re.search(rf"(?<![\w-]){option[0]}(?![\w-])", known):
                raise click.UsageError(f"{' '.join(asked)} has no {option[0]}")


def looks_like_commands(fence: Fence) -> bool:
    """Tell whether a block holds commands and does not say `console` or `sh`."""
    if fence.language in OTHER_SHELLS:
        return True
    lines = (line for line in fence.text.splitlines() if line and not line.startswith("#"))
    return not fence.language and bool(A_COMMAND.match(next(lines, "")))


def parse(command: click.Command, words: tuple[str, ...], *, is_whole: bool) -> None:
    """Parse as the program does; what a sentence says may lack arguments, or have a stand-in."""
    if is_whole and not isinstance(command, click.Group):
        command.make_context(command.name or "", list(words))
        return
    _, rest, _ = command.make_parser(click.Context(command)).parse_args(list(words))
    if isinstance(command, click.Group) and rest:
        _, inner, rest = command.resolve_command(click.Context(command), rest)
        assert inner is not None
        parse(inner, tuple(rest), is_whole=is_whole)


def made_by(words: tuple[str, ...]) -> list[CommandLine]:
    """Ask make what it would do."""
    told = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise click.UsageError(told.stderr)
    ours = (".venv/bin/chroma-chaos", ".venv/bin/python", "UV=")
    recipe = told.stdout.replace("\\\n", " ").splitlines()
    return [line for each in recipe if each.startswith(ours) for line in split(each)]


def asks_for_help(line: CommandLine) -> tuple[str, ...]:
    """Say what shows the options of a program; nothing for one that is not ours."""
    if line.program == "locust":
        return ("-m", "locust", "-f", "locustfiles/cms.py")
    if line.program == "pytest":
        return ("-m", "pytest", "scenarios")
    if line.program == "python" and line.words[:1] == ("-m",):
        return line.words[: 3 if line.words[1] == "bench" else 2]
    return ()


@cache
def help_of(asked: tuple[str, ...]) -> str:
    options = ("--help", "--help-load") if "locust" in asked else ("--help",)
    return "".join(
        subprocess.run(
            [sys.executable, *asked, option], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for option in options
    )


every_document = pytest.mark.parametrize(
    "path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in documents(ROOT)]
)


@every_document
def test_what_a_document_names_exists(path: Path) -> None:
    problems = []
    for line in command_lines(read_page(path)):
        try:
            check(line)
        except (click.ClickException, UsageError, ValueError) as error:
            problems.append(f"{line}: {error}")
    assert not problems


@every_document
def test_every_block_of_commands_says_whether_it_is_run(path: Path) -> None:
    unmarked = [fence for fence in read_page(path).fences if looks_like_commands(fence)]
    assert [f"line {fence.line}" for fence in unmarked] == [], "docs/change-the-documents.md"


@pytest.mark.parametrize(
    ("info", "text", "expected"),
    [
        ("", "$ anything\n", True),
        ("", "# first\nPORT=1 make all\n", True),
        ("bash", "anything\n", True),
        ("", "client --> lb\n", False),
        ("json", "{}\n", False),
        ("sh run", "make all\n", False),
    ],
)
def test_a_block_of_commands_is_known_by_its_words(info: str, text: str, expected: bool) -> None:
    assert looks_like_commands(Fence(info, text, line=1)) is expected


@pytest.mark.parametrize(
    "command",
    [
        "chroma-chaos run primary-down --sed 7",
        "chroma-chaos runn primary-down",
        "chroma-chaos run primary-down --seed seven",
        "make chaos-nothing",
        "make chaos-normal ARGS='--sed 7'",
        "pytest scenarios --chaos-sed 7",
        "locust -f locustfiles/cms.py --max-p95",
        ".venv/bin/python -m bench run --onli adds",
        ".venv/bin/python -m tests.mutants --onli stale-reads",
    ],
)
def test_what_does_not_exist_is_found(command: str) -> None:
    (line,) = split(command)
    with pytest.raises((click.ClickException, UsageError)):
        check(line)

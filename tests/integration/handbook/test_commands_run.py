"""The commands in documents are run, in a fresh directory for each, and print what is shown.

A block that says `run` is run; handbook/blocks.py has the words. Figures may differ where the
block says so, and `...` stands for anything.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.handbook.blocks import Block, Step, is_as_shown, parse_block
from docs.handbook.checkout import environment_of, make_checkout
from docs.handbook.pages import documents, read_page
from docs.handbook.shell import Shell

ROOT = Path(__file__).parents[3]
# These promise times to clients, which other tests beside them would break.
OF_TIMES = {"README.md"}


def blocks_to_run(path: Path) -> list[Block]:
    blocks = (parse_block(fence) for fence in read_page(path).fences)
    return [block for block in blocks if block is not None and not block.why_not]


RUN = {
    str(path.relative_to(ROOT)): blocks
    for path in documents(ROOT)
    if (blocks := blocks_to_run(path))
}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout without runs; labs that commands leave in it are taken down."""
    make_checkout(ROOT, tmp_path)
    yield tmp_path
    if (tmp_path / ".runs" / "labs").is_dir():
        subprocess.run(
            ["chroma-chaos", "lab", "down", "--all"],
            cwd=tmp_path,
            env=dict(environment_of(tmp_path)),
            capture_output=True,
            check=True,
            timeout=60,
        )


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.alone if each in OF_TIMES else ()) for each in RUN],
)
def test_what_a_document_runs_prints_what_it_shows(name: str, checkout: Path) -> None:
    with Shell(checkout, environment_of(checkout)) as shell:
        for block in RUN[name]:
            run(shell, block)


def run(shell: Shell, block: Block) -> None:
    """Run all commands of a block, each within its time."""
    for step in block.steps:
        ended = shell.run(step.command, block.seconds)
        told = f"line {block.line}: $ {step.command}\n{ended.printed}"
        assert ended.exit_code == step.exit_code, f"exit code {ended.exit_code}, {told}"
        if step.shown is not None:
            as_shown = is_as_shown(step.shown, ended.printed, any_numbers=block.any_numbers)
            assert as_shown, f"shown:\n{step.shown}\nprinted, {told}"


def test_something_is_run() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/runbook.md"} <= RUN.keys()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Step("echo two", "one"), "printed, line 7: $ echo two"),
        (Step("echo one; false", "one"), "exit code 1, line 7"),
        (Step("true", None, exit_code=1), "exit code 0, line 7"),
    ],
)
def test_a_command_that_does_something_else_fails(tmp_path: Path, step: Step, told: str) -> None:
    with Shell(tmp_path, environment_of(tmp_path)) as shell:
        run(shell, Block(7, (Step("echo one", "one"),)))
        with pytest.raises(AssertionError, match=re.escape(told)):
            run(shell, Block(7, (step,)))

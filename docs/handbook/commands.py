"""Writes the reference of the command `chroma-chaos` from its parser."""

import inspect
from collections.abc import Iterator

import click

from docs.handbook.markdown import fenced, page, table
from harness.cli.main import chroma_chaos

NAME = "chroma-chaos"
_EXAMPLES = ("Example:", "Examples:")
_NO_WRAP = "\b"


def command_page() -> str:
    """Write the page: a section for each command."""
    context = click.Context(chroma_chaos, info_name=NAME)
    commands = list(_commands(chroma_chaos, context))
    rows = (
        (f"[`{inner.command_path}`](#{inner.command_path.replace(' ', '-')})", _first_line(command))
        for command, inner in commands
    )
    return page(
        "The command `chroma-chaos`",
        "Written by `make reference` from the command itself; each says the same with `--help`.",
        table(("command", "what it does"), rows),
        "Exit codes: 0 pass, 1 fail, 2 unknown or could not run, 130 stopped by Ctrl-C. Others "
        "stand with their command.",
        *(_section(command, inner) for command, inner in commands),
    )


def _commands(
    group: click.Group, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
        else:
            yield command, inner


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    records = (
        parameter.get_help_record(context)
        for parameter in command.get_params(context)
        if parameter.name != "help"
    )
    options = [(f"`{record[0]}`", record[1]) for record in records if record]
    parts = (
        f"## {context.command_path}",
        fenced("text", usage),
        inspect.cleandoc(command.help or ""),
        table(("option", ""), options) if options else "",
        *_epilog(command.epilog or ""),
    )
    return "\n\n".join(part for part in parts if part)


def _epilog(epilog: str) -> Iterator[str]:
    """Spell what stands below the options: examples as commands, all else as it is."""
    heading = ""
    for paragraph in epilog.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line not in ("", _NO_WRAP)]
        if lines and lines[0] in _EXAMPLES:
            heading = lines.pop(0)
        if not lines:
            continue
        text = inspect.cleandoc("\n" + "\n".join(lines))
        if heading:
            yield fenced("sh not-run: an example of the command's own help", text)
        else:
            yield fenced("text", text)
        heading = ""


def _first_line(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").split("\n\n")[0]

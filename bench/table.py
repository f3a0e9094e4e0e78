"""The table of figures, for a terminal and for docs/performance.md: what has a target first."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.figure import Better, Figure, Verdict
from bench.results import Loss

_STYLES = {
    Verdict.MET: "bold green",
    Verdict.MISSED: "bold red",
    Verdict.SKIPPED: "yellow",
    Verdict.NO_TARGET: "",
}
_HEADINGS = ("figure", "value", "rounds", "target", "")
_SIGNS = {Better.HIGHER: ">=", Better.LOWER: "<="}


def show(console: Console, figures: Sequence[Figure], machine: Mapping[str, str]) -> None:
    """Print the machine and the figures."""
    for name, text in machine.items():
        console.print(Text(f"{name}: {text}", style="dim"), soft_wrap=True)
    for title, part in parts(figures):
        table = Table(title=title, title_justify="left", title_style="bold")
        for number, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="right" if 0 < number < 4 else "left")
        for each in part:
            verdict = Text(each.verdict, style=_STYLES[each.verdict])
            table.add_row(*(Text(cell) for cell in cells(each)), verdict)
        console.print(table)
    for each in figures:
        if each.note:
            console.print(Text(f"{each.name}: {each.note}", style="dim"), soft_wrap=True)


def show_losses(console: Console, losses: Sequence[Loss], *, has_committed: bool) -> None:
    """Print what became worse since the last commit."""
    if not has_committed:
        console.print("no committed results to compare with")
    elif not losses:
        console.print("no figure is more than 15 % worse than in the last commit")
    for loss in losses:
        line = f"loss: {loss.name} was {loss.before:g}, is {loss.now:g} ({loss.share:.0%} worse)"
        console.print(Text(line, style="bold red"), soft_wrap=True)


def markdown(figures: Sequence[Figure], machine: Mapping[str, str]) -> str:
    """Write the figures as tables of Markdown, and the machine as a list."""
    lines = [f"- {name}: {text}" for name, text in machine.items()]
    for title, part in parts(figures):
        lines += [
            "",
            f"**{title}**",
            "",
            f"| {' | '.join(_HEADINGS)} |",
            "|---|---:|---:|---:|---|",
        ]
        lines += [f"| {' | '.join((*cells(each), each.verdict))} |" for each in part]
    notes = [f"- `{each.name}`: {each.note}" for each in figures if each.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def parts(figures: Sequence[Figure]) -> Iterator[tuple[str, list[Figure]]]:
    """Sort figures into ratios, other figures with a target, and the rest."""
    ratios = [each for each in figures if each.is_ratio]
    aimed = [each for each in figures if not each.is_ratio and each.target is not None]
    rest = [each for each in figures if not each.is_ratio and each.target is None]
    titles = "Ratios, ours to theirs", "Absolute values with a target", "Other absolute values"
    for title, part in zip(titles, (ratios, aimed, rest), strict=True):
        if part:
            yield title, part


def cells(figure: Figure) -> tuple[str, str, str, str]:
    """Write a figure's name, value, spread over rounds, and target."""
    low, high = figure.spread or (0.0, 0.0)
    spread = f"{low:,.4g} to {high:,.4g}" if figure.rounds > 1 else ""
    target = "" if figure.target is None else f"{_SIGNS[figure.better]} {figure.target:g}"
    value = "-" if figure.value is None else f"{figure.value:,.4g} {figure.unit}"
    return figure.name, value, spread, target

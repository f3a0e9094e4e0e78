"""Owns how tables and blocks are spelt in Markdown; pure."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Spell a table."""
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fenced(info: str, text: str) -> str:
    """Spell a block."""
    return f"```{info}\n{text.rstrip()}\n```"


def page(title: str, *parts: str) -> str:
    """Put a page together of what is not empty."""
    return "\n\n".join((f"# {title}", *(part for part in parts if part))) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

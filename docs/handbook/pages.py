"""Owns what a document in Markdown is made of, as far as anybody checks it: pure but for reading.

Documents are README.md, CHANGELOG.md and all in docs/.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

_MARKDOWN = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=6)


@dataclass(frozen=True)
class Fence:
    """A fenced block; `info` is what stands behind its first fence, `line` that fence's number."""

    info: str
    text: str
    line: int

    @property
    def language(self) -> str:
        """The first word of the info."""
        return self.info.split()[0] if self.info else ""


@dataclass(frozen=True)
class Page:
    """A document: its blocks, spans of code, links, and the anchors that links may name.

    Anchors are spelt as GitHub spells them.
    """

    path: Path
    fences: tuple[Fence, ...]
    code: tuple[str, ...]
    links: tuple[str, ...]
    anchors: frozenset[str]


def read_page(path: Path) -> Page:
    """Read a document."""
    return parse_page(path, path.read_text())


def parse_page(path: Path, text: str) -> Page:
    """Take a document apart."""
    tokens = _MARKDOWN.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    return Page(
        path=path,
        fences=tuple(
            Fence(token.info.strip(), token.content, (token.map or [0])[0] + 1)
            for token in tokens
            if token.type == "fence"
        ),
        code=tuple(child.content for child in inline if child.type == "code_inline"),
        links=tuple(_targets(inline)),
        anchors=frozenset(
            str(token.attrs["id"]) for token in tokens if token.type == "heading_open"
        ),
    )


def documents(root: Path) -> list[Path]:
    """Name all documents of a checkout."""
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def _targets(inline: list[Token]) -> Iterator[str]:
    for child in inline:
        attribute = {"link_open": "href", "image": "src"}.get(child.type)
        if attribute:
            yield str(child.attrs[attribute])

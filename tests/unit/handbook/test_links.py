"""What documents point at is there: files, headings, and paths that sentences name.

Sphinx looks at links too, but knows nothing of README.md and of files outside docs/.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.handbook.pages import Page, documents, parse_page, read_page

ROOT = Path(__file__).parents[3]
A_PATH = re.compile(r"(?:bench|compose|docs|harness|lb|locustfiles|scenarios|tests)/[\w/.-]+\.\w+")

read = cache(read_page)
every_document = pytest.mark.parametrize(
    "path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in documents(ROOT)]
)


def broken(page: Page) -> list[str]:
    """List the links that lead nowhere in this checkout."""
    found = []
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = page.path.parent / unquote(parts.path)
        if parts.path and not target.exists():
            found.append(f"{link}: there is no such file")
            continue
        if not parts.fragment:
            continue
        anchors = read(target).anchors if parts.path else page.anchors
        if parts.fragment not in anchors:
            found.append(f"{link}: no heading is spelt so")
    return found


@every_document
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(read(path)) == []


@every_document
def test_paths_in_sentences_are_there(path: Path) -> None:
    named = [code for code in read(path).code if A_PATH.fullmatch(code)]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_leads_nowhere_is_found() -> None:
    text = """# Here
[a](#here) [b](#there) [c](README.md#chroma-chaos) [d](README.md#nothing) [e](no.md)
[f](https://example.com/no#thing)
"""
    assert broken(parse_page(ROOT / "page.md", text)) == [
        "#there: no heading is spelt so",
        "README.md#nothing: no heading is spelt so",
        "no.md: there is no such file",
    ]

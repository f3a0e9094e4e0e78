"""What documents take from the code is what the code says now."""

from pathlib import Path

import pytest

from docs.handbook.inclusions import with_files
from docs.handbook.pages import documents
from docs.handbook.reference import DIRECTORY, PAGES, current

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in documents(ROOT)]
)
def test_a_document_is_current(path: Path) -> None:
    assert path.read_text() == current(path), "run `make reference`"


def test_every_page_of_the_reference_is_written_from_the_code() -> None:
    assert {path.name for path in (ROOT / DIRECTORY).iterdir()} == PAGES.keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("commands.md", "| `--seconds FLOAT RANGE` |"),
        ("commands.md", "## chroma-chaos lab up"),
        ("settings.md", "| `PORT` | `8000` | whole number from 1 to 65,535 |"),
        ("settings.md", "| `WRITE_ACK` | `first` | first, all |"),
        ("endpoints.md", "  duration_seconds?: number, above 0, to 86400, 60 by default"),
        ("endpoints.md", '    state: "UP" or "SUSPECT" or'),
        ("records.md", "| `completed_ns` | whole number |"),
        ("records.md", "| Completion | `ok`, `fail`, `info` |"),
    ],
)
def test_a_page_says_what_the_code_does(name: str, text: str) -> None:
    assert text in PAGES[name]()


def test_a_block_of_a_file_holds_the_file() -> None:
    files = {"a.py": "new\n\nlines\n", "b.sh": "b\n"}
    text = "See:\n\n```python of a.py\nold\n```\n\n```python\nkept\n```\n\n```sh of b.sh\n```\n"
    assert with_files(text, files.__getitem__) == (
        "See:\n\n```python of a.py\nnew\n\nlines\n```\n\n```python\nkept\n```\n\n"
        "```sh of b.sh\nb\n```\n"
    )

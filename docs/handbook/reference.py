"""Owns what documents take from the code: pages of the reference, and files that are shown."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.handbook.commands import command_page
from docs.handbook.endpoints import endpoint_page
from docs.handbook.inclusions import with_files
from docs.handbook.pages import documents
from docs.handbook.records import record_page
from docs.handbook.settings import settings_page

DIRECTORY = Path("docs", "reference")
PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": command_page,
    "settings.md": settings_page,
    "endpoints.md": endpoint_page,
    "records.md": record_page,
}


def current(path: Path) -> str:
    """Give a document as the code of today has it."""
    if path.parts[-3:-1] == DIRECTORY.parts:
        return PAGES[path.name]()
    return with_files(path.read_text(), lambda name: (path.parent / name).read_text())


def write_reference(root: Path) -> None:
    """Bring all documents of a checkout up to date."""
    for path in (*documents(root), *(root / DIRECTORY / name for name in PAGES)):
        path.write_text(current(path))

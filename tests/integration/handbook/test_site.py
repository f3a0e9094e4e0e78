"""The site is whole, needs nothing from elsewhere, and a mistake in it fails the build."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INDEX = "# Site\n\n```{toctree}\none\n```\n"
FROM_ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//"""
    r"""|<link[^>]*\srel=["']?(?:stylesheet|preload|icon)[^>]*\shref=["']?(?:https?:)?//"""
    r"""|url\(["']?(?:https?:)?//|@import"""
)


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build as `make docs` does."""
    recipe = subprocess.run(
        ["make", "--dry-run", "docs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.replace("\\\n", " ")
    words = next(line for line in recipe.splitlines() if "sphinx-build" in line).split()
    options = [word for word in words if word.startswith("--") and "doctree" not in word]
    command = [sys.executable, "-m", "sphinx", *options, "-c", str(ROOT / "docs")]
    return subprocess.run(
        [*command, str(source), str(target)],
        cwd=target.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = build(ROOT / "docs", tmp_path / "site")
    assert (built.returncode, built.stderr) == (0, "")
    files = [*(tmp_path / "site").rglob("*.html"), *(tmp_path / "site").rglob("*.css")]
    assert len(files) > 40
    found = {path.name: FROM_ELSEWHERE.findall(path.read_text()) for path in files}
    assert {name: urls for name, urls in found.items() if urls} == {}


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        pytest.param({"one.md": "# One\n\n[two](two.md)\n"}, "two.md", id="a broken link"),
        pytest.param({"one.md": "# One\n\n[x](#nowhere)\n"}, "nowhere", id="a missing heading"),
        pytest.param({}, "nonexisting document 'one'", id="a missing page"),
        pytest.param(
            {"one.md": "# One\n", "two.md": "# Two\n"}, "isn't included in any toctree", id="orphan"
        ),
        pytest.param({"one.md": "# One\n\n![x](no.svg)\n"}, "no.svg", id="a missing image"),
    ],
)
def test_a_mistake_fails_the_build(tmp_path: Path, pages: dict[str, str], told: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in {"index.md": INDEX, **pages}.items():
        (source / name).write_text(text)
    built = build(source, tmp_path / "site")
    assert built.returncode != 0
    assert told in built.stderr


def test_a_site_without_a_mistake_is_built(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text(INDEX)
    (source / "one.md").write_text("# One\n\n[here](#one) and [there](index.md#site)\n")
    assert build(source, tmp_path / "site").returncode == 0

"""The directory in which the commands of a document are run."""

import subprocess
from pathlib import Path

import pytest

from docs.handbook.checkout import NotSetUpError, environment_of, make_checkout

SET_UP = "setup: made\n"


def checkout(directory: Path) -> Path:
    """Make a small project that is set up, with a file and a run that nobody committed."""
    directory.mkdir()
    (directory / "Makefile").write_text(SET_UP)
    for name in ("package/code.py", ".runs/old/run.json", ".venv/bin/python", "made"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("")
    for words in (["init", "-q"], ["add", "Makefile", "package"]):
        subprocess.run(["git", *words], cwd=directory, check=True)
    return directory


def test_it_has_what_is_committed_and_what_was_made_but_no_runs(tmp_path: Path) -> None:
    root, directory = checkout(tmp_path / "root"), tmp_path / "fresh"
    directory.mkdir()
    make_checkout(root, directory)
    assert {path.name for path in directory.iterdir()} == {"Makefile", "package", ".venv"}
    assert (directory / "package" / "code.py").is_file()


def test_one_that_is_not_set_up_is_refused(tmp_path: Path) -> None:
    root = checkout(tmp_path / "root")
    (root / "made").unlink()
    (root / "Makefile").write_text(SET_UP + "made:\n\ttouch made\n")
    with pytest.raises(NotSetUpError, match="make setup"):
        make_checkout(root, tmp_path)


def test_settings_of_who_runs_the_tests_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMA_CHAOS_RUNS", "elsewhere")
    monkeypatch.setenv("CHROMA_CHAOS_TOXIPROXY", "/opt/toxiproxy-server")
    monkeypatch.setenv("MAKELEVEL", "1")
    environment = environment_of(tmp_path)
    assert "CHROMA_CHAOS_RUNS" not in environment
    assert "MAKELEVEL" not in environment
    assert environment["CHROMA_CHAOS_TOXIPROXY"] == "/opt/toxiproxy-server"
    assert environment["PWD"] == str(tmp_path)

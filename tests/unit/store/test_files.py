import os
from pathlib import Path

from harness.store.files import files_in


def test_regular_files_are_found_the_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("logs/lb.log", "run.json", "gap.svg"):
        (tmp_path / name).write_text("12345")
    found = files_in(tmp_path)
    assert list(found) == ["gap.svg", "run.json", "logs/lb.log"]
    assert found["run.json"].size_bytes == 5
    types = [file.content_type for file in found.values()]
    assert types == ["application/octet-stream", "text/plain", "text/plain"]


def test_links_pipes_and_names_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("x")
    run = tmp_path / "run"
    run.mkdir()
    (run / "link").symlink_to(secret / "key")
    (run / "tunnel").symlink_to(secret)
    os.mkfifo(run / "pipe")
    Path(os.fsdecode(os.fsencode(run) + b"/\xff.txt")).write_text("x")
    (run / "two\nlines.txt").write_text("x")
    assert files_in(run) == {}


def test_so_many_files_are_shown_and_no_more(tmp_path: Path) -> None:
    for number in range(510):
        (tmp_path / f"{number}.log").write_text("")
    assert len(files_in(tmp_path)) == 500

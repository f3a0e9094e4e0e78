from pathlib import Path

import pytest

from harness.errors import LabError
from harness.labs.workspace import RUN_MARKER, Workspace


def test_data_is_reached_through_the_run_directory_and_logs_lie_in_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "run")
    (workspace.data_directory / "file").touch()
    assert (tmp_path / "run" / "data" / "file").exists()
    assert workspace.log_path("lb") == tmp_path / "run" / "logs" / "lb.log"
    assert workspace.log_path("lb").parent.is_dir()
    workspace.remove_data()


def test_other_users_get_through_the_data_directory_but_cannot_list_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "run")
    assert workspace.data_directory.stat().st_mode & 0o777 == 0o711
    workspace.remove_data()


def test_every_run_has_a_mark_of_its_own(tmp_path: Path) -> None:
    workspaces = [Workspace.create(tmp_path / name) for name in ("a", "b")]
    marks = {workspace.environment()[RUN_MARKER] for workspace in workspaces}
    assert len(marks) == 2
    for workspace in workspaces:
        workspace.remove_data()


def test_a_directory_in_use_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "run")
    with pytest.raises(LabError, match="used by another lab"):
        Workspace.create(tmp_path / "run")
    workspace.remove_data()
    Workspace.create(tmp_path / "run").remove_data()


def test_a_directory_whose_data_the_warden_removed_can_be_used_again(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "run")
    workspace.data_directory.rmdir()
    assert (tmp_path / "run" / "data").is_symlink()
    Workspace.create(tmp_path / "run").remove_data()

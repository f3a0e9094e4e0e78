from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.store.kill_matrix import campaigns, read_matrix
from tests.saved_runs import save_matrix

CAMPAIGN = "20260303T120000-mutants"


def test_what_make_mutants_writes_is_read_back_as_a_matrix(tmp_path: Path) -> None:
    save_matrix(tmp_path, CAMPAIGN)
    assert campaigns(tmp_path) == [CAMPAIGN]
    matrix = read_matrix(tmp_path, CAMPAIGN)
    assert [(row.mutant, row.is_caught) for row in matrix.mutants] == [
        ("one-direction", True),
        ("delete-on-one-side", True),
        ("stale-reads", False),
    ]
    one, _, stale = matrix.mutants
    assert one.run == "one-direction-1"
    assert one.cell("durability") == "named and found"
    assert one.cell("availability") == "passed"
    assert one.cell("recall") == "unknown"
    assert one.cell("read-your-writes") == "not run"
    assert stale.cell("read-your-writes") == "named and not found"
    assert [name for name, _ in matrix.families] == ["appliers", "reads"]
    assert [control.is_clean for control in matrix.unmodified] == [True]


def test_the_directories_in_it_do_not_say_where_it_was_made(tmp_path: Path) -> None:
    save_matrix(tmp_path, CAMPAIGN)
    assert str(tmp_path) not in (tmp_path / CAMPAIGN / "mutants.json").read_text()


@pytest.mark.parametrize("name", ["", "..", "../x", "other"])
def test_a_campaign_that_is_not_there_is_told_with_what_makes_one(
    tmp_path: Path, name: str
) -> None:
    save_matrix(tmp_path, CAMPAIGN)
    with pytest.raises(RunDirectoryError, match="make mutants"):
        read_matrix(tmp_path, name)


def test_a_torn_one_is_told(tmp_path: Path) -> None:
    save_matrix(tmp_path, CAMPAIGN)
    (tmp_path / CAMPAIGN / "mutants.json").write_text('{"mutants": 3}')
    with pytest.raises(RunDirectoryError, match="holds no readable kill matrix"):
        read_matrix(tmp_path, CAMPAIGN)

import pytest

from harness.store.filter import PER_PAGE, RunFilter, choices
from harness.store.glance import Glance, Word

RUNS = [
    Glance("a", "", Word.PASS, scenario="normal", seed="7", lab="processes", load_balancer="ours"),
    Glance("b", "", Word.FAIL, scenario="random", seed="7", lab="remote", load_balancer="theirs"),
    Glance("g/c", "g", Word.PASS, scenario="normal", seed="8", lab="processes", load_balancer="x"),
]


def chosen(**query: str) -> list[str]:
    wanted = RunFilter.from_query(query)
    return [run.name for run in RUNS if wanted.fits(run)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["a", "b"]),
        ({"scenario": "normal"}, ["a"]),
        ({"verdict": "fail"}, ["b"]),
        ({"seed": "7", "lab": "remote"}, ["b"]),
        ({"lb": "ours"}, ["a"]),
        ({"lb": "nobody's"}, []),
        ({"group": "g"}, ["g/c"]),
        ({"group": "any"}, ["a", "b", "g/c"]),
        ({"group": "any", "scenario": "normal"}, ["a", "g/c"]),
        ({"scenario": "  "}, ["a", "b"]),
        ({"nonsense": "x"}, ["a", "b"]),
    ],
)
def test_runs_that_have_all_chosen_values_are_wanted(
    query: dict[str, str], names: list[str]
) -> None:
    assert chosen(**query) == names


def test_every_value_that_occurs_can_be_chosen() -> None:
    found = choices(RUNS)
    assert found["scenario"] == ["normal", "random"]
    assert found["verdict"] == ["fail", "pass"]
    assert found["group"] == ["g"]


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "9" * 30, "\u0663"])
def test_a_page_that_makes_no_sense_is_the_first(page: str) -> None:
    assert RunFilter.from_query({"page": page}).page == 1


def test_pages_follow_one_another_and_keep_the_filter() -> None:
    runs = [RUNS[0]] * (PER_PAGE + 1)
    second = RunFilter.from_query({"scenario": "normal & more", "page": "2"})
    assert second.pages(runs) == 2
    assert len(second.on_page(runs)) == 1
    assert second.query(1) == "scenario=normal+%26+more&page=1"
    assert RunFilter({}, 99).on_page(runs) == []

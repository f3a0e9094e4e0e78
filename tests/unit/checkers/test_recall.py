import pytest

from harness.checkers.recall import check, recall_of
from harness.model.observation import Search
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import COLLECTION, history


def search(*distances: float, instance: str = "primary", wanted: int = 4) -> Search:
    """A search whose true neighbours lie within a distance of 1."""
    return Search(
        instance=instance,
        collection=COLLECTION,
        query="random 0",
        found=tuple(f"f/{n}" for n in range(len(distances))),
        distances=distances,
        wanted=wanted,
        limit_distance=1.0,
    )


@pytest.mark.parametrize(
    ("distances", "recall"),
    [
        ((0.1, 0.5, 0.9, 1.0), 1.0),
        ((0.1, 0.5, 0.9, 1.00001), 1.0),
        ((0.1, 0.5, 0.9, 1.1), 0.75),
        ((0.1,), 0.25),
        ((), 0.0),
    ],
)
def test_recall_is_the_share_of_true_neighbours(
    distances: tuple[float, ...], recall: float
) -> None:
    assert recall_of(search(*distances)) == recall


def test_an_answer_that_repeats_a_document_finds_it_once() -> None:
    repeated = Search(
        instance="primary",
        collection=COLLECTION,
        query="q",
        found=("f/0", "f/0"),
        distances=(0.1, 0.1),
        wanted=2,
        limit_distance=1.0,
    )
    assert recall_of(repeated) == 0.5


def test_instances_that_find_nearly_all_pass_with_figures_of_each() -> None:
    good = [search(0, 0, 0, 0), search(0, 0, 0, 0, instance="replica")]
    verdict = check(history(*good), [])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures == {
        "primary": 1.0,
        "primary.worst": 1.0,
        "replica": 1.0,
        "replica.worst": 1.0,
        "difference": 0.0,
    }


def test_one_instance_that_misses_too_much_fails_for_itself_and_for_the_difference() -> None:
    searches = [search(0, 0, 0, 0), search(0, 0, 0, 2, instance="replica")]
    messages = [v.message for v in check(history(*searches), []).violations]
    assert messages == [
        "searches on replica find 75.0% of the nearest documents, the limit is 90.0%",
        "recall differs between instances by more than 5.0%",
    ]


def test_a_document_that_is_not_there_fails() -> None:
    verdict = check(history(search(0, 0, 0, 0, -1)), [])
    assert "found f/4, which is not there" in verdict.violations[0].message


def test_an_instance_that_does_not_answer_fails() -> None:
    lost = Search(instance="primary", collection=COLLECTION, query="all", error="500")
    assert check(history(lost), []).outcome is Outcome.FAIL


def test_without_searches_it_is_unknown() -> None:
    assert check(history(), []).outcome is Outcome.UNKNOWN

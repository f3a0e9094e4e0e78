from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runner.ddmin import ddmin

Fails = Callable[[tuple[int, ...]], bool]


def minimise(items: Sequence[int], fails: Fails) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Answer each candidate by `fails`; give the result and what was asked."""
    search = ddmin(items)
    asked: list[tuple[int, ...]] = []
    try:
        asked.append(next(search))
        while True:
            asked.append(search.send(fails(asked[-1])))
    except StopIteration as end:
        return end.value, asked


def is_one_minimal(found: tuple[int, ...], fails: Fails) -> bool:
    return not any(fails(found[:n] + found[n + 1 :]) for n in range(len(found)))


@pytest.mark.parametrize("needed", [(3,), (0, 7), (1, 4, 6), (0, 1, 2, 3, 4, 5, 6, 7)])
def test_exactly_what_is_needed_is_left(needed: tuple[int, ...]) -> None:
    found, _ = minimise(range(8), lambda kept: set(needed) <= set(kept))
    assert found == needed


def test_what_fails_without_anything_needs_one_question() -> None:
    assert minimise(range(8), lambda _: True) == ((), [()])


def test_one_item_that_is_needed_is_found_by_one_question() -> None:
    assert minimise([5], lambda kept: 5 in kept) == ((5,), [()])


def test_nothing_at_all_is_as_small_as_it_gets() -> None:
    assert minimise([], lambda _: True) == ((), [])


def test_one_of_many_is_found_in_a_number_of_steps_that_grows_with_the_logarithm() -> None:
    found, asked = minimise(range(64), lambda kept: 41 in kept)
    assert found == (41,)
    assert len(asked) <= 20


@given(st.integers(1, 12), st.data())
def test_the_result_is_one_minimal_whatever_fails_and_nothing_is_asked_twice(
    count: int, data: st.DataObject
) -> None:
    whole = tuple(range(count))
    answers: dict[tuple[int, ...], bool] = {whole: True}

    def fails(kept: tuple[int, ...]) -> bool:
        """Fail by chance, without any order among the subsets."""
        if kept not in answers:
            answers[kept] = data.draw(st.booleans())
        return answers[kept]

    found, asked = minimise(whole, fails)
    assert fails(found)
    assert is_one_minimal(found, fails)
    assert len(asked) == len(set(asked))
    assert whole not in asked
    assert list(found) == sorted(found)


@given(st.integers(1, 16), st.data())
def test_when_more_never_heals_the_needed_items_alone_are_left(
    count: int, data: st.DataObject
) -> None:
    needed = data.draw(st.sets(st.integers(0, count - 1)))
    found, _ = minimise(range(count), lambda kept: needed <= set(kept))
    assert set(found) == needed

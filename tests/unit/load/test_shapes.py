import pytest

from harness.errors import UsageError
from harness.load.shapes import SHAPES, level_at, levels_of


def users(shape: str, count: int) -> list[int]:
    return [level.users for level in levels_of(shape, count, 60.0)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_every_shape_fills_its_time_and_has_all_users_once_and_somebody_always(
    shape: str, count: int
) -> None:
    levels = levels_of(shape, count, 60.0)
    assert sum(level.seconds for level in levels) == pytest.approx(60.0)
    assert max(level.users for level in levels) == count
    assert min(level.users for level in levels) >= 1
    assert len({level.name for level in levels}) == len(levels)


def test_steps_double_until_all_are_there() -> None:
    assert users("steps", 20) == [1, 2, 4, 8, 16, 20]


def test_a_spike_is_a_tenth_then_all_then_a_tenth() -> None:
    assert users("spike", 50) == [5, 50, 5]
    assert [level.seconds for level in levels_of("spike", 50, 60.0)] == [24.0, 12.0, 24.0]


def test_a_ramp_never_falls() -> None:
    assert users("ramp", 25) == [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    assert users("ramp", 3) == [1, 2, 3]


def test_a_soak_has_stretches_of_the_same_users_so_that_a_drift_shows() -> None:
    assert users("soak", 7) == [7] * 10


def test_the_level_is_found_by_the_time_and_the_load_ends() -> None:
    levels = levels_of("spike", 10, 10.0)
    found = [level_at(levels, seconds) for seconds in (0.0, 3.9, 4.1, 6.1, 9.9)]
    assert [level.users for level in found if level] == [1, 1, 10, 1, 1]
    assert level_at(levels, 10.1) is None


def test_an_unknown_shape_is_told_the_known_ones_and_nobody_is_no_load() -> None:
    with pytest.raises(UsageError, match="flat, ramp, spike, soak, steps"):
        levels_of("wave", 1, 1.0)
    with pytest.raises(UsageError, match="at least one user"):
        levels_of("flat", 0, 1.0)

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.pressure import (
    FULL_WINDOW,
    LEAST_BYTES,
    LOOK_SECONDS,
    Pressure,
    WindowLimits,
    budget_at,
    container_limit,
    limits_at,
)

MB = 1 << 20


@pytest.mark.parametrize("used_share", [0.0, 0.3, 0.6])
def test_while_memory_is_calm_all_is_of_full_size(used_share: float) -> None:
    assert limits_at(used_share) == FULL_WINDOW == WindowLimits(500, 300, 4 * MB)
    assert budget_at(used_share, 30 * MB) == 30 * MB


@pytest.mark.parametrize("used_share", [0.95, 1.0, 2.0])
def test_when_memory_is_tight_entries_go_one_by_one(used_share: float) -> None:
    assert limits_at(used_share) == WindowLimits(1, 1, LEAST_BYTES)
    assert budget_at(used_share, 30 * MB) == 30 * MB // 4


@given(st.floats(0, 2), st.floats(0, 2))
def test_the_more_is_used_the_less_is_taken_on(one: float, other: float) -> None:
    less, more = sorted((one, other))
    easy, tight = limits_at(less), limits_at(more)

    assert easy.entries >= tight.entries >= 1
    assert easy.documents >= tight.documents >= 1
    assert easy.body_bytes >= tight.body_bytes >= LEAST_BYTES
    assert budget_at(less, 30 * MB) >= budget_at(more, 30 * MB) >= 30 * MB // 4


class Machine:
    """Figures that the test sets, and how often they were read."""

    def __init__(self, rss_bytes: int, container_bytes: int | None = None) -> None:
        self.now, self.looks = 0.0, 0
        self.rss_bytes, self.container_bytes = rss_bytes, container_bytes

    def rss(self) -> int:
        self.looks += 1
        return self.rss_bytes

    def pressure(self, limit_bytes: int = 400 * MB) -> Pressure:
        return Pressure(limit_bytes, lambda: self.now, self.rss, lambda: self.container_bytes)


@pytest.mark.parametrize(
    ("container_bytes", "limit_bytes"),
    [(None, 400 * MB), (800 * MB, 400 * MB), (200 * MB, 200 * MB)],
)
def test_the_lower_of_the_setting_and_the_container_counts(
    container_bytes: int | None, limit_bytes: int
) -> None:
    pressure = Machine(100 * MB, container_bytes).pressure()

    assert pressure.figures()["limit_bytes"] == limit_bytes
    assert pressure.used_share == pytest.approx(100 * MB / limit_bytes)


def test_memory_is_measured_a_few_times_a_second_at_most() -> None:
    machine = Machine(100 * MB)
    pressure = machine.pressure()
    for _ in range(10):
        assert pressure.window_limits() == FULL_WINDOW

    machine.rss_bytes = 390 * MB
    assert pressure.window_limits() == FULL_WINDOW
    machine.now += LOOK_SECONDS
    assert pressure.window_limits().entries == 1

    assert machine.looks == 2


def test_the_figures_are_those_of_one_moment() -> None:
    assert Machine(310 * MB).pressure().figures() == {
        "limit_bytes": 400 * MB,
        "rss_bytes": 310 * MB,
        "pressure": 0.775,
        "window_entries": 250,
        "window_documents": 150,
        "window_bytes": 2 * MB,
    }


def test_this_process_can_be_measured() -> None:
    figures = Pressure(4 << 30, lambda: 0.0).figures()

    assert 0 < figures["rss_bytes"] < figures["limit_bytes"] <= 4 << 30
    assert 0 < figures["pressure"] < 1


UNLIMITED = 9_223_372_036_854_771_712
"""What version 1 shows where there is no limit."""


def groups(tmp_path: Path, own: str, limits: dict[str, object]) -> int | None:
    for path, limit in limits.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    (tmp_path / "own").write_text(own)
    return container_limit(tmp_path / "own", tmp_path)


@pytest.mark.parametrize(
    ("own", "limits", "lowest"),
    [
        ("0::/app\n", {"app/memory.max": 300 * MB}, 300 * MB),
        ("0::/a/b\n", {"a/memory.max": 200 * MB, "a/b/memory.max": "max"}, 200 * MB),
        ("0::/../host\n", {"memory.max": 100 * MB}, 100 * MB),
        ("0::/\n", {"memory.max": "max"}, None),
        (
            "5:cpu:/\n4:memory:/app\n",
            {"memory/app/memory.limit_in_bytes": 300 * MB},
            300 * MB,
        ),
        ("4:memory:/host/id\n", {"memory/memory.limit_in_bytes": 100 * MB}, 100 * MB),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": UNLIMITED}, None),
        ("5:cpu:/app\n", {"app/memory.max": 1}, None),
    ],
)
def test_the_lowest_limit_of_the_control_groups_is_found(
    tmp_path: Path, own: str, limits: dict[str, object], lowest: int | None
) -> None:
    assert groups(tmp_path, own, limits) == lowest


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert container_limit(tmp_path / "absent", tmp_path) is None

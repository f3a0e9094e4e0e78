from io import StringIO

import pytest
from rich.console import Console

from harness.model.operation import Completion
from harness.report.live_panel import LivePanel
from harness.report.standing import Standing

OK, FAIL, INFO = Completion
PLAN = [("baseline", 3.0), ("primary down", 8.0), ("recovery", 90.0)]
NONE = dict.fromkeys(Completion, 0)


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def lines(panel: LivePanel, width: int = 100) -> list[str]:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(panel)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_before_the_first_phase_the_lab_starts() -> None:
    clock = Clock()
    panel = LivePanel((), clock)
    clock.seconds += 4
    assert lines(panel) == ["phase starting the lab  4 s"]


def test_the_time_left_is_that_of_this_phase_and_of_those_to_come() -> None:
    clock = Clock()
    panel = LivePanel(PLAN, clock)
    assert lines(panel) == ["phase starting the lab  0 s  1:41 left"]
    panel.begin("primary down", 8.0)
    clock.seconds += 5
    assert lines(panel, 60) == ["phase primary down  5 of 8 s  1:33 left"]
    clock.seconds += 60
    assert lines(panel, 60) == ["phase primary down  8 of 8 s  1:30 left"]
    panel.begin("recovery", 90.0)
    panel.begin("rest", 0)
    assert lines(panel, 60) == ["phase rest  0 s"]


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"primary": "DOWN", "replica": "UP"}, "states primary DOWN  replica UP"),
        ({}, "states the load balancer does not tell"),
        (None, "states the load balancer does not answer"),
    ],
)
def test_states_are_those_that_the_load_balancer_tells(
    states: dict[str, str] | None, told: str
) -> None:
    panel = LivePanel()
    panel.standing = Standing(NONE, NONE, states=states)
    assert told in lines(panel)


def test_what_a_load_balancer_says_is_no_markup() -> None:
    panel = LivePanel()
    panel.standing = Standing(NONE, NONE, states={"[red]one": "[/]"}, faults=("[bold]",))
    assert "states [red]one [/]" in lines(panel)
    assert "faults [bold]" in lines(panel)


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    panel = LivePanel()
    panel.standing = Standing(
        {OK: 120_400, FAIL: 2, INFO: 0}, {OK: 38.04, FAIL: 0.7, INFO: 0.0}, 0.213, {}, ("kill lb",)
    )
    shown = lines(panel, 30)
    assert max(map(len, shown)) <= 30
    assert " ".join(" ".join(shown).split()).endswith(
        "rates 38.0 ok/s 0.7 fail/s 0.0 info/s total 120,400 ok 2 fail 0 info "
        "gap 0.213 s at the longest states the load balancer does not tell faults kill lb"
    )

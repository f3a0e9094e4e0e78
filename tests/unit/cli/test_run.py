import pytest

from harness.cli import main, run
from harness.errors import UsageError
from harness.labs.base import Capability
from tests.unit.faults.stand_ins import StandInLab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> StandInLab:
    """The lab of every run, of which none comes further than to its announcement."""

    def conduct(*_: object) -> None:
        raise UsageError("far enough")

    lab = StandInLab()
    monkeypatch.setattr(run, "conduct", conduct)
    monkeypatch.setattr(run, "make_lab", lambda *_: lab)
    return lab


@pytest.mark.parametrize("words", [["run", "random"], ["soak", "--minutes", "1"]])
def test_what_chance_cannot_draw_is_said_once(lab, words, capsys) -> None:
    lab.capabilities -= {Capability.SHIFT_CLOCK, Capability.FAILPOINT}
    assert main([*words, "--all-faults", "--seed", "7"]) == 2
    said = capsys.readouterr()
    assert "far enough" in said.err
    told = "clock-shift (it cannot shift-clock); failpoint (it cannot failpoint)"
    assert said.out.count("Left out") == said.out.count(f"Left out: {told}\n") == 1


@pytest.mark.parametrize("words", [["random"], ["random", "--all-faults"], ["primary-down"]])
def test_a_lab_that_can_do_it_has_nothing_left_out(lab, words, capsys) -> None:
    assert main(["run", *words, "--seed", "7"]) == 2
    assert "Left out" not in capsys.readouterr().out

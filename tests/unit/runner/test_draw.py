from dataclasses import dataclass

import pytest

from harness.errors import UnsupportedFaultError
from harness.labs.base import Capability, Lab, Need
from harness.runner.draw import draw_for
from harness.runner.schedules import OF_A_PREPARED_LAB, random_schedule
from tests.unit.faults.stand_ins import StandInLab

EVERYTHING = frozenset(Capability)


@dataclass
class ParticularLab(StandInLab):
    """It says why not: of a whole ability, or of a server."""

    not_of: Capability | str = ""

    def why_not(self, need: Need) -> str:
        return "it is not here" if self.not_of in (need.capability, need.target) else ""


def draw_in(lab: Lab):
    return draw_for(OF_A_PREPARED_LAB, lambda _: lab)


def test_a_lab_that_can_do_everything_has_everything_drawn() -> None:
    draw = draw_in(StandInLab(capabilities=EVERYTHING))
    assert draw.chances == OF_A_PREPARED_LAB
    assert str(draw) == ""


def test_what_a_lab_cannot_do_is_left_out_and_said_once() -> None:
    lab = StandInLab(capabilities=EVERYTHING - {Capability.SHIFT_CLOCK, Capability.DISCONNECT})
    draw = draw_in(lab)
    assert set(OF_A_PREPARED_LAB) - set(draw.chances) == {"clock-shift", "disconnect"}
    assert str(draw) == "disconnect (it cannot disconnect); clock-shift (it cannot shift-clock)"


def test_the_reason_is_the_labs_own_and_faults_share_it() -> None:
    draw = draw_in(ParticularLab(not_of=Capability.RESTART))
    assert "kill" not in draw.chances
    assert "pause" in draw.chances
    assert str(draw).endswith("(it is not here)")
    assert str(draw).startswith("kill, ")


def test_a_server_that_a_fault_cannot_be_done_to_is_left_out_alone() -> None:
    draw = draw_in(ParticularLab(not_of="postgres"))
    assert draw.chances["kill"].targets == OF_A_PREPARED_LAB["kill"].targets - {"postgres"}
    assert "kill postgres" in draw.left_out
    drawn = random_schedule(7, 600.0, draw.chances).faults
    assert {fault.fault.split()[1] for fault in drawn} == {"primary", "replica", "lb"}


def test_the_lab_is_asked_as_one_that_is_started_for_all_of_them() -> None:
    asked: list[frozenset[Need]] = []

    def make_lab(needs: frozenset[Need]) -> Lab:
        asked.append(needs)
        return StandInLab()

    draw_for(OF_A_PREPARED_LAB, make_lab)
    (needs,) = asked
    assert {Need(Capability.FILL_DISK, "replica"), Need(Capability.DOUBLE_LB, "lb")} <= needs


def test_a_lab_that_can_do_none_is_refused() -> None:
    with pytest.raises(UnsupportedFaultError, match="lab stand-in can do none of the faults by"):
        draw_in(StandInLab(capabilities=frozenset()))

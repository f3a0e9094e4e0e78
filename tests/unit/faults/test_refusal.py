import pytest

from harness.errors import UnsupportedFaultError
from harness.faults.base import refuse_unsupported
from harness.faults.kill import Kill
from harness.labs.base import Capability
from tests.unit.faults.stand_ins import StandInLab


def test_a_fault_that_the_lab_can_do_is_let_through() -> None:
    refuse_unsupported(Kill("primary"), StandInLab())


def test_a_missing_capability_is_named_with_what_the_lab_can_do() -> None:
    lab = StandInLab(capabilities=frozenset({Capability.RESTART}))
    with pytest.raises(UnsupportedFaultError, match=r"needs kill, .* \(it can: restart\)"):
        refuse_unsupported(Kill("primary"), lab)


def test_a_missing_target_is_named_with_the_targets_there_are() -> None:
    with pytest.raises(UnsupportedFaultError, match="has no replica-7; it has primary"):
        refuse_unsupported(Kill("replica-7"), StandInLab())

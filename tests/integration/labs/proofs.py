"""What holds for every fault in every lab: tests that modules with FAULTS and OF_A_MOMENT import.

Such a module has a fixture `running_lab`, which skips what its lab cannot do on this machine.
"""

import pytest

from harness.errors import FaultError
from harness.faults import proof
from harness.faults.base import Fault, Lasting, refuse_unsupported
from harness.labs.own_servers import OwnServers


async def test_a_fault_is_seen_to_take_effect_and_to_heal(
    running_lab: OwnServers, fault: Fault
) -> None:
    refuse_unsupported(fault, running_lab)
    await fault.inject(running_lab)
    try:
        assert await fault.prove_effect(running_lab)
        if isinstance(fault, Lasting):
            assert await fault.prove_lasting(running_lab)
    finally:
        await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab)
    await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab), "healing twice did harm"


async def test_without_the_fault_there_is_no_proof_of_an_effect(
    running_lab: OwnServers, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.3)
    with pytest.raises(FaultError):
        await fault.prove_effect(running_lab)
    if isinstance(fault, Lasting):
        with pytest.raises(FaultError):
            await fault.prove_lasting(running_lab)


async def test_with_the_fault_there_is_no_proof_of_healing(
    running_lab: OwnServers, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fault.inject(running_lab)
    try:
        await fault.prove_effect(running_lab)
        monkeypatch.setattr(proof, "PROOF_SECONDS", 0.3)
        with pytest.raises(FaultError):
            await fault.prove_healed(running_lab)
    finally:
        monkeypatch.undo()
        await fault.heal(running_lab)
    await fault.prove_healed(running_lab)

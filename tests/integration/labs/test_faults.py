"""Every fault is seen to take effect on real servers, and to heal; one that does nothing is not."""

import pytest

from harness.errors import FaultError, LabError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault, refuse_unsupported
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.cut import Cut
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.limited_data import LimitedData
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.faults.slow_close import SlowClose
from harness.labs.processes import ProcessLab
from harness.labs.toxiproxy import Toxiproxy

OF_PROCESSES = (Kill, Pause)
OF_THE_NETWORK = (Cut, BlackHole, HalfOpen, Reset, Latency, Bandwidth, LimitedData, SlowClose)
FAULTS = [
    *(fault(target) for fault in OF_PROCESSES for target in ("primary", "postgres", "lb")),
    *(fault(target) for fault in OF_THE_NETWORK for target in ("replica", "postgres")),
    Latency("primary", milliseconds=500, jitter_milliseconds=200),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_seen_to_take_effect_and_to_heal(
    running_lab: ProcessLab, fault: Fault
) -> None:
    refuse_unsupported(fault, running_lab)
    await fault.inject(running_lab)
    try:
        assert await fault.prove_effect(running_lab)
    finally:
        await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab)
    await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab), "healing twice did harm"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_without_the_fault_there_is_no_proof_of_an_effect(
    running_lab: ProcessLab, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.3)
    with pytest.raises(FaultError):
        await fault.prove_effect(running_lab)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_with_the_fault_there_is_no_proof_of_healing(
    running_lab: ProcessLab, fault: Fault, monkeypatch: pytest.MonkeyPatch
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


def test_a_network_fault_on_a_server_without_a_proxy_is_refused(running_lab: ProcessLab) -> None:
    with pytest.raises(UnsupportedFaultError, match="no proxy before lb; there is one before"):
        refuse_unsupported(Cut("lb"), running_lab)


async def test_a_toxiproxy_that_hangs_is_started_anew_and_what_else_it_does_goes_on(
    running_lab: ProcessLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(api: Toxiproxy, proxy: str) -> None:
        raise LabError(f"{api.url} does not answer for {proxy}")

    healed, others = Latency("primary"), (Cut("replica"), Latency("postgres"))
    for fault in (healed, *others):
        await fault.inject(running_lab)
    monkeypatch.setattr(Toxiproxy, "clear", hang)
    await healed.heal(running_lab)
    monkeypatch.undo()
    try:
        assert await healed.prove_healed(running_lab)
        for fault in others:
            assert await fault.prove_effect(running_lab)
    finally:
        for fault in others:
            await fault.heal(running_lab)
    for fault in others:
        assert await fault.prove_healed(running_lab)

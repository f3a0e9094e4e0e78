"""Every fault is seen to take effect on real servers, and to heal; one that does nothing is not."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from harness.errors import FaultError, LabError
from harness.faults import proof
from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault, Lasting, needs_of, refuse_unsupported
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.clock import ClockShift
from harness.faults.cut import Cut
from harness.faults.disk import DiskFull, ReadOnlyDisk
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.limited_data import LimitedData
from harness.faults.memory import MemoryLimit
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.faults.restart import Restart
from harness.faults.slow_close import SlowClose
from harness.faults.stop import Stop
from harness.faults.two_lbs import RollingDeploy, SecondLb
from harness.labs import stopping
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.containers.possibilities import why_not_in_containers
from harness.labs.own_servers import OwnServers
from harness.labs.possibilities import why_not_here
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.toxiproxy import Toxiproxy
from tests.integration.labs.conftest import FORWARDING_LB
from tests.integration.labs.containers import needs_containers

OF_PROCESSES = (Kill, Pause, Stop)
OF_THE_NETWORK = (Cut, BlackHole, HalfOpen, Reset, Latency, Bandwidth, LimitedData, SlowClose)
FAULTS = [
    *(fault(target) for fault in OF_PROCESSES for target in ("primary", "postgres", "lb")),
    *(fault(target) for fault in OF_THE_NETWORK for target in ("replica", "postgres", "lb")),
    Latency("primary", milliseconds=500, jitter_milliseconds=200),
    SecondLb("lb"),
    DiskFull("primary"),
    ReadOnlyDisk("replica"),
    ClockShift("primary", -3600),
    ClockShift("postgres"),
    ClockShift("lb", -86400),
    MemoryLimit("replica"),
]
OF_A_MOMENT = [*(Restart(target) for target in ("primary", "postgres", "lb")), RollingDeploy("lb")]
# In containers each once, at targets that differ; the proofs are the same.
IN_CONTAINERS = [
    *(Kill("primary"), Pause("replica"), Stop("postgres"), Kill("lb"), Kill("postgres")),
    *(fault("replica") for fault in OF_THE_NETWORK),
    *(Cut("postgres"), Cut("lb"), SecondLb("lb"), MemoryLimit("replica")),
    *(DiskFull("primary"), ReadOnlyDisk("replica")),
]
OF_A_MOMENT_IN_CONTAINERS = [Restart("primary"), Restart("lb"), RollingDeploy("lb")]
pytestmark = pytest.mark.asyncio(loop_scope="module")


def in_both_labs(
    in_processes: list[Fault], in_containers: list[Fault]
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a test each of these faults, in a lab of its kind."""
    cases = [
        *(pytest.param("processes", fault, id=fault.name) for fault in in_processes),
        *(
            pytest.param(
                "compose", fault, id=f"{fault.name} in a container", marks=needs_containers
            )
            for fault in in_containers
        ),
    ]
    return pytest.mark.parametrize(("faulty_lab", "fault"), cases, indirect=["faulty_lab"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OwnServers]:
    """Share one lab that was started for all of them; a test leaves every server of it well."""
    directory = tmp_path_factory.mktemp("faulty") / "run"
    needs = needs_of([*FAULTS, *OF_A_MOMENT])
    lab: OwnServers
    if getattr(request, "param", "processes") == "compose":
        lab = ComposeLab(ComposeLabSettings(directory, needs=needs))
    else:
        lab = ProcessLab(ProcessLabSettings(directory, lb_command=FORWARDING_LB, needs=needs))
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
def running_lab(request: pytest.FixtureRequest, faulty_lab: OwnServers) -> OwnServers:
    """Skip what the lab cannot do on this machine, which is tested as a refusal elsewhere."""
    fault = request.node.callspec.params.get("fault") if hasattr(request.node, "callspec") else None
    here = why_not_in_containers if isinstance(faulty_lab, ComposeLab) else why_not_here
    reasons = [reason for need in (fault.needs if fault else ()) if (reason := here(need))]
    if reasons:
        pytest.skip(reasons[0])
    return faulty_lab


@in_both_labs([*FAULTS, *OF_A_MOMENT], [*IN_CONTAINERS, *OF_A_MOMENT_IN_CONTAINERS])
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


async def test_a_server_that_does_not_end_in_time_is_killed_as_service_managers_do(
    running_lab: OwnServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen in a soak: Chroma waits for connections that a black hole keeps open."""
    monkeypatch.setattr(stopping, "END_TIMEOUT_SECONDS", 0.3)
    fault = Stop("replica")
    await running_lab.pause("replica")
    try:
        await fault.inject(running_lab)
        assert "SIGKILL" in await fault.prove_effect(running_lab)
    finally:
        await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab)


@in_both_labs([*FAULTS, *OF_A_MOMENT], [*IN_CONTAINERS, *OF_A_MOMENT_IN_CONTAINERS])
async def test_without_the_fault_there_is_no_proof_of_an_effect(
    running_lab: OwnServers, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.3)
    with pytest.raises(FaultError):
        await fault.prove_effect(running_lab)
    if isinstance(fault, Lasting):
        with pytest.raises(FaultError):
            await fault.prove_lasting(running_lab)


@in_both_labs(FAULTS, IN_CONTAINERS)
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


async def test_a_toxiproxy_that_hangs_is_started_anew_and_what_else_it_does_goes_on(
    running_lab: OwnServers, monkeypatch: pytest.MonkeyPatch
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

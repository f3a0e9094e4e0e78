"""Every fault is seen to take effect on real servers, and to heal; one that does nothing is not."""

from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio

from harness.client.api import COLLECTIONS
from harness.errors import FaultError, LabError
from harness.faults import proof
from harness.faults.bandwidth import Bandwidth
from harness.faults.base import needs_of
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.clock import ClockShift
from harness.faults.cpu import CpuLimit
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
from harness.faults.torn_index import TornIndex
from harness.faults.two_lbs import RollingDeploy, SecondLb
from harness.labs import stopping
from harness.labs.filling import free_bytes
from harness.labs.possibilities import why_not_here
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.toxiproxy import Toxiproxy
from tests.integration.labs.conftest import FORWARDING_LB
from tests.integration.labs.proofs import (  # noqa: F401 (tests of this module, too)
    test_a_fault_is_seen_to_take_effect_and_to_heal,
    test_with_the_fault_there_is_no_proof_of_healing,
    test_without_the_fault_there_is_no_proof_of_an_effect,
)

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
    *(CpuLimit(target) for target in ("primary", "postgres", "lb")),
]
OF_A_MOMENT = [*(Restart(target) for target in ("primary", "postgres", "lb")), RollingDeploy("lb")]
_SAVED_SOON = {"hnsw": {"sync_threshold": 20, "batch_size": 10}}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    """Share one lab that was started for all of them; a test leaves every server of it well."""
    directory = tmp_path_factory.mktemp("faulty") / "run"
    needs = needs_of([*FAULTS, *OF_A_MOMENT])
    lab = ProcessLab(ProcessLabSettings(directory, lb_command=FORWARDING_LB, needs=needs))
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
def running_lab(request: pytest.FixtureRequest, faulty_lab: ProcessLab) -> ProcessLab:
    """Skip what no process lab can do on this machine, which is tested as a refusal elsewhere."""
    fault = request.node.callspec.params.get("fault") if hasattr(request.node, "callspec") else None
    reasons = [reason for need in (fault.needs if fault else ()) if (reason := why_not_here(need))]
    if reasons:
        pytest.skip(reasons[0])
    return faulty_lab


async def test_a_disk_stays_full_when_the_server_removes_files_and_is_emptied_by_the_healing(
    running_lab: ProcessLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen in a soak: the server made room, so nothing was full any more, and nothing mended."""
    fault = DiskFull("primary")
    if reasons := [reason for need in fault.needs if (reason := why_not_here(need))]:
        pytest.skip(reasons[0])
    monkeypatch.setattr(proof, "PROOF_SECONDS", 3.0)
    disk = running_lab.disk("primary")
    free_before_bytes = free_bytes(disk)
    of_the_server = disk / "an-index"
    of_the_server.write_bytes(bytes(4 << 20))
    await fault.inject(running_lab)
    try:
        await fault.prove_effect(running_lab)
        of_the_server.unlink()
        assert await fault.prove_lasting(running_lab)
    finally:
        await fault.heal(running_lab)
    assert await fault.prove_healed(running_lab)
    assert free_bytes(disk) > free_before_bytes / 2, "what filled it is still there"


async def test_the_log_of_the_load_balancer_is_that_of_the_one_that_took_over_last(
    running_lab: ProcessLab,
) -> None:
    """Seen in a soak: no failpoint was seen after a rolling deploy, as another log was read."""
    before = running_lab.log_path("lb")
    fault = RollingDeploy("lb")
    await fault.inject(running_lab)
    assert await fault.prove_effect(running_lab)
    assert running_lab.log_path("lb") != before
    assert running_lab.log_path("lb").exists()


@pytest.mark.parametrize(
    ("target", "file"), [("primary", "index_metadata.pickle"), ("replica", "header.bin")]
)
async def test_an_index_that_was_saved_is_torn_and_the_server_cannot_write_to_it_any_more(
    running_lab: ProcessLab, monkeypatch: pytest.MonkeyPatch, target: str, file: str
) -> None:
    fault = TornIndex(target, file)
    if reasons := [reason for need in fault.needs if (reason := why_not_here(need))]:
        pytest.skip(reasons[0])
    monkeypatch.setattr(proof, "PROOF_SECONDS", 1.0)
    await fault.inject(running_lab)
    with pytest.raises(FaultError, match="torn"):
        await fault.prove_effect(running_lab)
    await fault.heal(running_lab)
    url = f"{running_lab.urls()[target]}{COLLECTIONS}"
    async with httpx.AsyncClient(timeout=30) as client:
        made = await client.post(url, json={"name": "saved-soon", "configuration": _SAVED_SOON})
        documents = {"ids": [f"d{n}" for n in range(60)], "embeddings": [[1.0, 2.0]] * 60}
        add = f"{url}/{made.json()['id']}/add"
        assert (await client.post(add, json=documents)).status_code == 201
        await fault.inject(running_lab)
        try:
            assert f"{file} is torn in 1" in await fault.prove_effect(running_lab)
            assert await fault.prove_lasting(running_lab)
        finally:
            await fault.heal(running_lab)
        assert await fault.prove_healed(running_lab)

        more = {"ids": ["later"], "embeddings": [[1.0, 2.0]]}
        with suppress(httpx.TransportError):  # It may end instead of answering, or right after.
            assert (await client.post(add, json=more)).status_code == 500
        with suppress(LabError):  # It may have ended.
            await running_lab.kill(target)
        await Kill(target).heal(running_lab)
        assert (await client.delete(f"{url}/saved-soon")).status_code == 200


async def test_a_server_that_does_not_end_in_time_is_killed_as_service_managers_do(
    running_lab: ProcessLab, monkeypatch: pytest.MonkeyPatch
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

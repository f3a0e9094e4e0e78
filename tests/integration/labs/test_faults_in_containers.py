"""Every kind of fault is seen to take effect and to heal in a lab of containers, too."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.faults.bandwidth import Bandwidth
from harness.faults.base import needs_of
from harness.faults.black_hole import BlackHole, HalfOpen
from harness.faults.cpu import CpuLimit
from harness.faults.cut import Cut
from harness.faults.disconnect import Disconnect
from harness.faults.disk import DiskFull, ReadOnlyDisk
from harness.faults.force_down import ForceDown
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
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.containers.possibilities import why_not_in_containers
from tests.integration.labs.containers import needs_containers
from tests.integration.labs.proofs import (  # noqa: F401 (tests of this module, too)
    test_a_fault_is_seen_to_take_effect_and_to_heal,
    test_with_the_fault_there_is_no_proof_of_healing,
    test_without_the_fault_there_is_no_proof_of_an_effect,
)

OF_THE_NETWORK = (Cut, BlackHole, HalfOpen, Reset, Latency, Bandwidth, LimitedData, SlowClose)
FAULTS = [
    *(Kill("primary"), Kill("lb"), Kill("postgres"), Pause("replica"), Stop("postgres")),
    *(fault("replica") for fault in OF_THE_NETWORK),
    *(Cut("postgres"), Cut("lb"), SecondLb("lb"), MemoryLimit("replica"), ForceDown("primary")),
    *(CpuLimit("replica"), CpuLimit("lb"), CpuLimit("postgres", 20)),
    *(DiskFull("primary"), ReadOnlyDisk("replica")),
    *(Disconnect("replica"), Disconnect("postgres")),
]
OF_A_MOMENT = [Restart("primary"), Restart("lb"), RollingDeploy("lb")]
pytestmark = [pytest.mark.real, needs_containers, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ComposeLab]:
    """Share one lab that was started for all of them; a test leaves every server of it well."""
    directory = tmp_path_factory.mktemp("faulty") / "run"
    needs = needs_of([*FAULTS, *OF_A_MOMENT])
    lab = ComposeLab(ComposeLabSettings(directory, needs=needs))
    try:
        await lab.start()
        yield lab
    finally:
        await lab.stop()


@pytest.fixture
def running_lab(request: pytest.FixtureRequest, faulty_lab: ComposeLab) -> ComposeLab:
    """Skip what no lab of containers can do on this machine."""
    fault = request.node.callspec.params["fault"]
    reasons = [reason for need in fault.needs if (reason := why_not_in_containers(need))]
    if reasons:
        pytest.skip(reasons[0])
    return faulty_lab

"""A lab whose load balancer may have so much memory, from its first instruction on."""

from pathlib import Path

import pytest

from harness.labs.memory import why_no_memory_limits
from harness.labs.processes import ProcessLab, ProcessLabSettings

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(why_no_memory_limits()), reason=why_no_memory_limits()),
]

LIMIT_BYTES = 400_000_000
GROUPS = Path("/sys/fs/cgroup/memory")


def group_of_lb(lab: ProcessLab) -> Path:
    """Find the control group in which the kernel accounts for the load balancer's memory."""
    identity = lab.identity("lb")
    assert identity is not None
    lines = Path(f"/proc/{identity.pid}/cgroup").read_text().splitlines()
    (path,) = (line.split(":")[2] for line in lines if line.split(":")[1] == "memory")
    return GROUPS / path.lstrip("/")


async def test_the_limit_holds_from_the_start_and_after_a_restart_and_goes_with_the_lab(
    tmp_path: Path,
) -> None:
    lab = ProcessLab(ProcessLabSettings(tmp_path / "run", lb_memory_bytes=LIMIT_BYTES))
    try:
        await lab.start()
        group = group_of_lb(lab)
        limit = int((group / "memory.limit_in_bytes").read_text())
        # The kernel counts in pages.
        assert LIMIT_BYTES - 4096 < limit <= LIMIT_BYTES
        assert int((group / "memory.max_usage_in_bytes").read_text()) > 10_000_000
        await lab.restart("lb")
        assert group_of_lb(lab) == group
    finally:
        await lab.stop()
    assert not group.exists()

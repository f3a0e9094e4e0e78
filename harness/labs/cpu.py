"""CPU limits on living servers, by a control group of the kernel (version 1).

The kernel lets the group run so long in each tenth of a second, then holds all of it back until
the next one. How often it did so is read where a server is accounted, which any lab can.
"""

from harness.errors import LabError
from harness.labs.control_groups import ControlGroup, OwnGroup, why_no_groups
from harness.labs.process_tree import ProcessIdentity, process_tree
from harness.labs.runnable import Runnable
from harness.labs.warden import Warden

PERIOD_US = 100_000
_CONTROLLER = "cpu"


def why_no_cpu_limits() -> str:
    """Say why servers cannot be limited on this machine; nothing when they can."""
    return why_no_groups(_CONTROLLER)


def quota_us(percent: int) -> int:
    """Tell the share of a period that so many percent of one processor are."""
    return PERIOD_US * percent // 100


class CpuLimit(OwnGroup):
    """One control group, and the processes of a server in it."""

    def __init__(self, name: str, warden: Warden) -> None:
        super().__init__(_CONTROLLER, name, warden)

    def set(self, server: ProcessIdentity, percent: int) -> None:
        """Put the server and its children into the group, and limit what they take together."""
        self.make()
        self.write("cpu.cfs_period_us", PERIOD_US)
        self.write("cpu.cfs_quota_us", quota_us(percent))
        # Children of a server that is in the group are born there. The second round is for those
        # that were born while the first one was under way.
        for _ in range(2):
            self.take_in(process.pid for process in process_tree(server))


class CountsThrottling:
    """Gives any lab of ours what the kernel says of a server's CPU time."""

    def cpu_seconds(self, target: str) -> float:
        """Measure that of the server and its children that live; 0 when it does not."""
        sample = self._process(target).sample()
        return sample.cpu_seconds if sample is not None else 0.0

    async def cpu_throttles(self, target: str) -> int:
        """Count how often the kernel has held the group back that the server is in now."""
        try:
            group = ControlGroup.of(self._living(target).pid, _CONTROLLER)
            # A group without a limit may have no such figure.
            return group.figures("cpu.stat").get("nr_throttled", 0)
        except OSError as error:
            raise LabError(f"{target} has no account of its CPU time: {error}") from error

    def _living(self, target: str) -> ProcessIdentity:
        identity = self._process(target).identity
        if identity is None:
            raise LabError(f"{target} does not run; start it first")
        return identity

    def _process(self, target: str) -> Runnable:
        raise NotImplementedError


class LimitsCpu(CountsThrottling):
    """Gives a process lab the ability `OnCpu`."""

    async def limit_cpu(self, target: str, percent: int) -> None:
        """Limit the server and its children."""
        self._cpu_limit(target).set(self._living(target), percent)

    async def free_cpu(self, target: str) -> None:
        """End the limit."""
        await self._cpu_limit(target).lift()

    def _cpu_limit(self, target: str) -> CpuLimit:
        raise NotImplementedError

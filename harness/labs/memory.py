"""Memory limits on living servers, by a control group of the kernel (version 1).

What a server has when it is limited stays outside of the account: the limit is on what it takes in
addition. A limit on its address space would not be felt, because allocators reserve far more of it
than they use.
"""

from collections.abc import Iterable

from harness.errors import LabError
from harness.labs.control_groups import OwnGroup, why_no_groups
from harness.labs.process_tree import process_tree
from harness.labs.runnable import Runnable
from harness.labs.warden import Warden

_CONTROLLER = "memory"


def why_no_memory_limits() -> str:
    """Say why servers cannot be limited on this machine; nothing when they can."""
    return why_no_groups(_CONTROLLER)


class MemoryLimit(OwnGroup):
    """One control group, and the processes of a server in it."""

    def __init__(self, name: str, warden: Warden) -> None:
        super().__init__(_CONTROLLER, name, warden)

    def set(self, processes: Iterable[int], more_bytes: int) -> None:
        """Put the processes into the group, and limit what they take from now on."""
        self.make()
        self.write("memory.limit_in_bytes", more_bytes)
        self.take_in(processes)

    @property
    def peak_bytes(self) -> int:
        """The most that the group has had, what the kernel keeps for it included."""
        return int((self.directory / "memory.max_usage_in_bytes").read_text())

    def refusals(self) -> int:
        """Count how often the kernel refused memory."""
        try:
            return int((self.directory / "memory.failcnt").read_text())
        except FileNotFoundError:
            return 0


class LimitsMemory:
    """Gives a process lab the ability `InMemory`."""

    async def limit_memory(self, target: str, more_bytes: int) -> None:
        """Limit what the server and its children take from now on."""
        identity = self._process(target).identity
        if identity is None:
            raise LabError(f"{target} does not run; start it first")
        pids = [process.pid for process in process_tree(identity)]
        self._limit(target).set(pids, more_bytes)

    async def memory_refusals(self, target: str) -> int:
        """Count how often memory was refused."""
        return self._limit(target).refusals()

    async def free_memory(self, target: str) -> None:
        """End the limit."""
        await self._limit(target).lift()

    def _limit(self, target: str) -> MemoryLimit:
        raise NotImplementedError

    def _process(self, target: str) -> Runnable:
        raise NotImplementedError

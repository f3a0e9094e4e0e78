"""What some labs can do beyond killing, pausing and breaking networks: one protocol per ability."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.labs.administration import Administration
from harness.labs.base import Killable, Need, Networked
from harness.labs.process_tree import ProcessIdentity
from harness.labs.server_process import ServerCommand, ServerProcess


@runtime_checkable
class Particular(Protocol):
    """A lab that can do some things to some targets only, or on some machines, or if prepared."""

    def why_not(self, need: Need) -> str:
        """Say why the lab cannot do it, and what would help; nothing when it can."""
        ...


@runtime_checkable
class Accompanied(Protocol):
    """A lab on this machine that takes care of a process which is none of its servers."""

    def companion(self, command: ServerCommand) -> ServerProcess:
        """Give a process that ends with the lab, whatever happens; it is not started yet."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A system that others use, too: a run has names of its own there, and leaves nothing.

    `mark` is part of the names of all collections of a run, `protected` names what is not touched
    whatever it is called, and `lb_headers` go along with every request to the load balancer.
    """

    mark: str
    protected: frozenset[str]
    lb_headers: Mapping[str, str]


@runtime_checkable
class Forcible(Protocol):
    """The ability behind `Capability.FORCE_HEALTH`."""

    def administration(self) -> Administration:
        """Give what tells the load balancer to take an instance for healthy or not."""
        ...


@runtime_checkable
class Stoppable(Killable, Protocol):
    """The ability behind `Capability.STOP`."""

    def identity(self, target: str) -> ProcessIdentity | None:
        """Identify the process of `target` that was started last."""
        ...

    def ending(self, target: str) -> str:
        """Tell how it ended: its exit code, or the signal that it died of."""
        ...

    async def end(self, target: str) -> None:
        """Ask the server to end, and return when it is gone; one that stays is killed."""
        ...


@runtime_checkable
class DoubleLb(Stoppable, Protocol):
    """The ability behind `Capability.DOUBLE_LB`: a second load balancer like the first.

    Clients reach either through one address. Whom a new connection goes to can be changed; those
    that are open stay where they are.
    """

    def connections_by_lb(self) -> Mapping[str, int]:
        """Count the clients' connections so far, by the direct address of who took them."""
        ...

    def second_lb_url(self) -> str | None:
        """Where the second one itself listens; None when there is none."""
        ...

    def is_second_lb_alive(self) -> bool:
        """Tell whether the process of the second one runs."""
        ...

    async def start_second_lb(self) -> None:
        """Start the second one and return when it answers; clients do not reach it yet."""
        ...

    def share_clients(self) -> None:
        """Give new connections to the two in turn."""
        ...

    async def hand_over(self) -> str:
        """Give new connections to the second one, and end the first; it then is `lb`.

        Returns how the first one ended.
        """
        ...

    async def end_second_lb(self) -> None:
        """Give new connections to the first one, and end the second; does nothing without one."""
        ...


@runtime_checkable
class Failing(Stoppable, Protocol):
    """The ability behind `Capability.FAILPOINT`."""

    async def arm(self, target: str, failpoint: str) -> None:
        """End the server and start it with a failpoint that crashes it; returns when it answers."""
        ...

    async def disarm(self, target: str) -> None:
        """Make sure that it runs without any failpoint."""
        ...

    def is_armed(self, target: str) -> bool:
        """Tell whether it was started with a failpoint last."""
        ...


@runtime_checkable
class OnDisks(Killable, Protocol):
    """The ability behind `Capability.FILL_DISK` and `Capability.FREEZE_DISK`."""

    def disk(self, target: str) -> Path:
        """Name the server's data directory as the server itself sees it."""
        ...

    def is_disk_broken(self, target: str) -> bool:
        """Tell whether it was filled or frozen, and not mended since."""
        ...

    async def fill_disk(self, target: str) -> None:
        """Leave no space on the disk of the server's data, whatever the server removes there."""
        ...

    async def freeze_disk(self, target: str) -> None:
        """Let the disk of the server's data fail as one with a broken controller: read-only."""
        ...

    async def mend_disk(self, target: str) -> None:
        """Make the disk writable again, with space on it; the server is not running then."""
        ...


@runtime_checkable
class OnClocks(Protocol):
    """The ability behind `Capability.SHIFT_CLOCK`."""

    def shift_clock(self, target: str, seconds: int) -> None:
        """Let the server's clock be that much ahead of ours, or behind; 0 sets it right."""
        ...


@runtime_checkable
class InMemory(Killable, Protocol):
    """The ability behind `Capability.LIMIT_MEMORY`."""

    async def limit_memory(self, target: str, more_bytes: int) -> None:
        """Let the server have at most so much memory in addition to what it has."""
        ...

    async def memory_refusals(self, target: str) -> int:
        """Count how often the kernel refused memory to the server since it was limited."""
        ...

    async def free_memory(self, target: str) -> None:
        """Let the server have what it wants again."""
        ...


@runtime_checkable
class OnCpu(Killable, Protocol):
    """The ability behind `Capability.LIMIT_CPU`."""

    async def limit_cpu(self, target: str, percent: int) -> None:
        """Let the server run for so much of the time of one processor, its children included."""
        ...

    def cpu_seconds(self, target: str) -> float:
        """Measure the CPU time of the server and its children that live."""
        ...

    async def cpu_throttles(self, target: str) -> int:
        """Count how often the kernel has held the server back where it is accounted now."""
        ...

    async def free_cpu(self, target: str) -> None:
        """Let the server run whenever it wants to again."""
        ...


@runtime_checkable
class OnLinks(Networked, Protocol):
    """The ability behind `Capability.DISCONNECT`."""

    async def disconnect(self, target: str) -> None:
        """Take the server off the network on which the load balancer reaches it."""
        ...

    async def reconnect(self, target: str) -> None:
        """Put it there again, at its address and with its names; does nothing where it is."""
        ...

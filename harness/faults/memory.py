"""Owns the fault that keeps memory from a server; its healing ends that, and starts a dead one."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.client.api import COLLECTIONS
from harness.errors import FaultError, UnsupportedFaultError
from harness.faults import proof
from harness.faults.kill import Kill
from harness.faults.probe import Came, look
from harness.labs.abilities import InMemory
from harness.labs.base import Capability, Lab
from harness.polling import poll_until

# Chroma refuses a body of more than 40 MiB before it has read it.
_BODY_BYTES = 39 << 20
_MOST_AT_ONCE = 8
# A busy machine was seen to pass on less than 64 MB of it in one second.
_BODY_SECONDS = 5.0
_MOST_MEGABYTES = 256
# No collection has it, and the body is not JSON: whatever comes of it changes no data.
_NIL = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class MemoryLimit(Kill):
    """The server gets at most `megabytes` in addition to what it has; the kernel refuses more.

    A process that cannot do without is killed by the kernel.
    """

    megabytes: int = 8

    def __post_init__(self) -> None:
        if self.megabytes > _MOST_MEGABYTES:
            raise ValueError(f"no request shows a limit above {_MOST_MEGABYTES} MB")

    @property
    def name(self) -> str:
        """What it does to whom."""
        return f"memory-limit {self.target} {self.megabytes}"

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        return frozenset({Capability.LIMIT_MEMORY, Capability.KILL, Capability.RESTART})

    async def inject(self, lab: Lab) -> None:
        """Limit it."""
        await _in_memory(lab).limit_memory(self.target, self.megabytes << 20)

    async def prove_effect(self, lab: Lab) -> str:
        """Send the server more than it may have, and see that the kernel refused it memory.

        More and more at once, because it may have kept memory of earlier requests.
        """
        limited = _in_memory(lab)
        at_once = 0

        async def see() -> str:
            nonlocal at_once
            at_once = min(at_once + 1, _MOST_AT_ONCE)
            url = lab.urls()[self.target]
            await asyncio.gather(*(send_body(url) for _ in range(at_once)))
            refusals = await limited.memory_refusals(self.target)
            state = "lives" if limited.is_alive(self.target) else "was killed by the kernel"
            return f"memory was refused {refusals} times; it {state}" if refusals else ""

        failure = f"{self.target} was not seen to want more than {self.megabytes} MB in addition"
        return await poll_until(see, proof.PROOF_SECONDS, lambda: FaultError(failure))

    async def heal(self, lab: Lab) -> None:
        """End the limit; start a server that is dead, or does not answer any more."""
        limited = _in_memory(lab)
        await limited.free_memory(self.target)
        if (await look(lab.urls()[self.target])).came is not Came.ANSWER:
            await limited.restart(self.target)


def _in_memory(lab: Lab) -> InMemory:
    if not isinstance(lab, InMemory):
        raise UnsupportedFaultError(
            f"lab {lab.name} cannot limit memory: choose another lab or scenario"
        )
    return lab


async def send_body(url: str) -> None:
    """Send the server a request that it must keep as a whole; what comes of it does not matter."""
    parts = urlsplit(url)
    head = f"POST {COLLECTIONS}/{_NIL}/get HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {_BODY_BYTES}\r\n\r\n"
    # TimeoutError is an OSError too.
    with suppress(OSError):
        async with asyncio.timeout(_BODY_SECONDS):
            reader, writer = await asyncio.open_connection(str(parts.hostname), parts.port or 0)
            try:
                writer.write(head.encode() + b"x" * _BODY_BYTES)
                await writer.drain()
                await reader.read()
            finally:
                writer.transport.abort()

"""Owns one client process at work: it waits for the intended start of each operation."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.client.recording import RecordingClient
from harness.errors import UsageError
from harness.model.operation import Invocation
from harness.workloads.pace import ClosedPace, Pace, client_names
from harness.workloads.registry import invocations_of
from harness.workloads.settings import Loop, WorkloadSettings

SETUP = "setup"
"""The client process that makes the steady state, before the others begin."""


def taking_part(count: int, chosen: Sequence[str]) -> tuple[str, ...]:
    """Name those that take part; none chosen means all. Raises `UsageError` for others."""
    names = client_names(count)
    if unknown := [name for name in chosen if name not in names]:
        raise UsageError(f"the run has no {', '.join(unknown)}; its clients are {', '.join(names)}")
    return tuple(name for name in names if name in chosen) or names


class ClientProcess:
    """Performs invocations one after another, at their intended starts, until told to stop."""

    def __init__(
        self,
        client: RecordingClient,
        invocations: Iterable[Invocation],
        pace: Pace | ClosedPace,
        clock: Callable[[], int],
    ) -> None:
        self.client = client
        self._invocations = invocations
        self._pace = pace
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the operation under way then is finished."""
        intended_ns = self._pace.first_ns
        for invocation in self._invocations:
            if await self._stopped_before(intended_ns, stop):
                return
            await self.client.perform(invocation, intended_ns)
            intended_ns = self._pace.next_ns(intended_ns, self._clock())

    async def _stopped_before(self, intended_ns: int, stop: asyncio.Event) -> bool:
        """Wait for the intended start; tell whether `stop` came first."""
        ahead_seconds = (intended_ns - self._clock()) / 1e9
        if ahead_seconds <= 0:
            return stop.is_set()
        try:
            await asyncio.wait_for(stop.wait(), ahead_seconds)
        except TimeoutError:
            return False
        return True


def client_processes(
    clients: Sequence[RecordingClient],
    workload: WorkloadSettings,
    seed: int,
    collections: Sequence[str],
    clock: Callable[[], int],
) -> Iterator[ClientProcess]:
    """Give each client its generator and its share of the rate, evenly staggered."""
    start_ns = clock()
    for client in clients:
        invocations = invocations_of(workload, client.process, seed, collections)
        pace = _pace(workload, start_ns, client.process)
        yield ClientProcess(client, invocations, pace, clock)


def _pace(workload: WorkloadSettings, start_ns: int, process: str) -> Pace | ClosedPace:
    if workload.loop is Loop.CLOSED:
        return ClosedPace(start_ns, round(workload.think_seconds * 1e9))
    return Pace.of(process, workload.clients, workload.operations_per_second, start_ns)

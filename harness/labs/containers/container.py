"""One container: made once for a run, started, killed and started again."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import psutil

from harness.errors import LabError
from harness.labs.base import ServerSample
from harness.labs.containers.engine import Engine, State
from harness.labs.containers.plan import ContainerPlan
from harness.labs.containers.threads import to_the_end
from harness.labs.process_tree import ProcessIdentity, cost_of, runs
from harness.labs.server_process import last_lines
from harness.polling import poll_until

_GONE_TIMEOUT_SECONDS = 10.0
_LOG_SECONDS = 2.0


class Container:
    """A `Runnable`; it keeps its address on this machine, its names and its data.

    It lives while its first process does, which this machine sees like any other: to look costs
    microseconds, and the figures are those of the process lab. Another environment makes it anew.
    """

    def __init__(self, engine: Engine, plan: ContainerPlan, log_path: Path) -> None:
        self.plan = plan
        self.environment: Mapping[str, str] = plan.environment
        self.log_path = log_path
        self._engine = engine
        self._made: tuple[str, Mapping[str, str]] | None = None
        self._identity: ProcessIdentity | None = None
        self._was_killed = False
        self._log: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Container {self.plan.name} {'alive' if self.is_alive() else 'dead'}>"

    @property
    def id(self) -> str:
        """What the engine calls it; raises `LabError` before the first start."""
        if self._made is None:
            raise LabError(f"{self.plan.server} was not started; start it first")
        return self._made[0]

    @property
    def identity(self) -> ProcessIdentity | None:
        """Its first process, as this machine sees it."""
        return self._identity

    @property
    def ending(self) -> str:
        """How it ended; the engine tells a signal and such an exit code apart no more."""
        state = self._engine.state(self.id)
        if self._was_killed:
            return "SIGKILL"
        lacked = " (it lacked memory)" if state.lacked_memory else ""
        return f"exit code {state.exit_code}{lacked}"

    def is_alive(self) -> bool:
        """Tell whether its first process runs."""
        process = self._identity.find() if self._identity is not None else None
        return process is not None and runs(process)

    def is_paused(self) -> bool:
        """Ask the engine whether it is frozen."""
        return self._made is not None and self._engine.state(self.id).is_paused

    def sample(self) -> ServerSample | None:
        """Measure what its processes cost now."""
        return cost_of(self.plan.server, self._identity) if self._identity is not None else None

    def address_in(self, network: str) -> str:
        """Tell its address in a network, which may change with every start."""
        return self._engine.address_of(self.id, network) or ""

    def connect(self, network: str) -> None:
        """Put it into one of its networks as it was made for it; does nothing where it is."""
        if self._engine.address_of(self.id, network) is None:
            aliases, address = self.plan.networks[network], self.plan.addresses.get(network)
            self._engine.connect(self.id, network, aliases, address)

    async def start(self, ready: Callable[[], Awaitable[bool]], timeout_seconds: float) -> None:
        """Start it and return when `ready` holds; raises `LabError`."""
        await self._until_stopped(_GONE_TIMEOUT_SECONDS)
        await to_the_end(self._run)

        async def is_ready_or_dead() -> bool:
            return not self.is_alive() or await ready()

        await poll_until(
            is_ready_or_dead,
            timeout_seconds,
            lambda: self._error(f"did not answer within {timeout_seconds:g} s"),
        )
        if not self.is_alive():
            await self._until_stopped(_GONE_TIMEOUT_SECONDS)
            raise self._error(f"ended at start with {self.ending}")

    async def pause(self) -> None:
        """Freeze all its processes."""
        await asyncio.to_thread(self._engine.pause, self.id)

    async def resume(self) -> None:
        """Thaw them."""
        await asyncio.to_thread(self._engine.unpause, self.id)

    async def kill(self) -> None:
        """SIGKILL its processes, and return when the engine has noticed."""
        if self._made is None:
            return
        if self.is_alive():
            self._was_killed = True
            await asyncio.to_thread(self._engine.send, self.id, "KILL")
        await self._until_stopped(_GONE_TIMEOUT_SECONDS)

    async def end(self, timeout_seconds: float) -> None:
        """Send the signal that asks it to end, and return when it is gone."""
        if self._made is None:
            return
        signal = await asyncio.to_thread(self._engine.stop_signal, self.id)
        await asyncio.to_thread(self._engine.send, self.id, signal)
        await self._until_stopped(timeout_seconds)

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and kill it after the grace time."""
        with contextlib.suppress(LabError):
            await self.end(grace_seconds)
        await self.kill()

    def _run(self) -> None:
        """Make it if need be, and start it."""
        if self._made is None or self._made[1] != self.environment:
            self._make()
        self._was_killed = False
        self._engine.start(self.id)
        state = self._engine.state(self.id)
        self._identity = _identity(state)
        output = self._engine.output(self.id, state.started_seconds)
        self._log = threading.Thread(
            target=_keep, args=(output, self.log_path), name=f"log of {self.plan.name}", daemon=True
        )
        self._log.start()

    def _make(self) -> None:
        if self._made is not None:
            self._engine.remove_container(self.id)
        plan = self.plan
        made = self._engine.make_container(plan.name, plan.configuration(self.environment))
        self._made = (made, dict(self.environment))
        for network in plan.further_networks:
            self.connect(network)
        for path, content in plan.files.items():
            self._engine.put_file(made, path, content)

    async def _until_stopped(self, timeout_seconds: float) -> None:
        """Return when the engine takes it for stopped, and its log is whole."""

        async def stopped() -> bool:
            if self.is_alive():
                return False
            return self._made is None or not await asyncio.to_thread(self._is_running)

        await poll_until(stopped, timeout_seconds, lambda: self._error("did not end in time"))
        if self._log is not None:
            await asyncio.to_thread(self._log.join, _LOG_SECONDS)

    def _is_running(self) -> bool:
        return self._engine.state(self.id).is_running

    def _error(self, what: str) -> LabError:
        return LabError(
            f"{self.plan.server} {what}. Its container: {self.plan.name} of {self.plan.image}\n"
            f"The last lines of {self.log_path}:\n{last_lines(self.log_path)}\n"
            f"Mend what the log says, or see `chroma-chaos doctor`, then start again."
        )


def _identity(state: State) -> ProcessIdentity | None:
    """Identify the first process; None for one that has ended already."""
    try:
        return ProcessIdentity.of(state.pid) if state.is_running else None
    except psutil.NoSuchProcess:
        return None


def _keep(output: Iterator[bytes], log_path: Path) -> None:
    """Write what a container says into its log, until it ends or the engine does."""
    with log_path.open("ab", buffering=0) as log, contextlib.suppress(LabError):
        for piece in output:
            log.write(piece)

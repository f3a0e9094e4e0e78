"""The abilities of a lab of ours to end servers orderly, and to let the lb crash at a failpoint."""

from harness.errors import LabError
from harness.labs.process_tree import ProcessIdentity
from harness.labs.runnable import Runnable

# Our load balancer answers those who wait before it ends, PostgreSQL writes a checkpoint.
END_TIMEOUT_SECONDS = 20.0
CRASHED_AT_FAILPOINT = "exit code 137"
"""What tells it from every other end: SIGKILL is seen as a signal, not as an exit code."""
FAILPOINT_SETTINGS = ("FAILPOINTS_ENABLED", "FAILPOINTS")


class StopsServers:
    """Gives a lab the abilities `Stoppable` and `Failing`."""

    def identity(self, target: str) -> ProcessIdentity | None:
        """Identify the process that was started last."""
        return self._process(target).identity

    def ending(self, target: str) -> str:
        """Tell how it ended."""
        return self._process(target).ending

    async def end(self, target: str) -> None:
        """Send the signal of an orderly end: SIGTERM, or SIGINT to PostgreSQL (fast shutdown).

        What does not end in time is killed, as service managers do: a Chroma server waits for
        connections that a fault of the network keeps open.
        """
        await self._process(target).stop(END_TIMEOUT_SECONDS)

    async def arm(self, target: str, failpoint: str) -> None:
        """Start the server again, with a failpoint in its environment.

        A client's write may reach the failpoint before the server has answered that it is ready.
        """
        await self.end(target)
        self._set_failpoints(target, ("true", f"{failpoint}=crash"))
        try:
            await self.restart(target)
        except LabError:
            if self.ending(target) != CRASHED_AT_FAILPOINT:
                raise

    async def disarm(self, target: str) -> None:
        """Start it again without one, unless it runs without one."""
        armed = self.is_armed(target)
        self._set_failpoints(target, ())
        process = self._process(target)
        if armed and process.is_alive():
            await process.end(END_TIMEOUT_SECONDS)
        if not process.is_alive():
            await self.restart(target)

    def is_armed(self, target: str) -> bool:
        """Tell whether a failpoint is in its environment."""
        return FAILPOINT_SETTINGS[0] in self._process(target).environment

    async def restart(self, target: str) -> None:
        """Start it again, as the lab does."""
        raise NotImplementedError

    def _process(self, target: str) -> Runnable:
        raise NotImplementedError

    def _set_failpoints(self, target: str, values: tuple[str, ...]) -> None:
        process = self._process(target)
        others = {
            name: value
            for name, value in process.environment.items()
            if name not in FAILPOINT_SETTINGS
        }
        armed = dict(zip(FAILPOINT_SETTINGS, values, strict=False))
        process.environment = {**others, **armed}

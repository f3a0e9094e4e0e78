"""One server process: started without a shell, watched by the warden, killed and started again."""

import contextlib
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from harness.errors import LabError
from harness.labs.account import Account
from harness.labs.base import ServerSample
from harness.labs.parent_death import dies_with_parent
from harness.labs.process_tree import ProcessIdentity, cost_of, kill_tree, process_tree, runs
from harness.labs.warden import Warden
from harness.labs.workspace import Workspace
from harness.polling import poll_until

_LOG_LINES = 12
_GONE_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class ServerCommand:
    """What to start: `account` is the user it runs as, None for the one who runs the lab."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Surroundings:
    """What a lab puts around a server: words before its command, and more environment.

    `leftovers` names the files that a process leaves behind under its id when it is killed.
    """

    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    leftovers: Callable[[int], tuple[Path, ...]] = lambda _: ()


class ServerProcess:
    """A server that can be started, killed and started again on the same address and data.

    It leads a session of its own, so a Ctrl-C at the terminal reaches the runner alone, and dies
    with the runner: by the kernel where the kernel offers it, and by the warden everywhere.
    """

    def __init__(self, command: ServerCommand, workspace: Workspace, warden: Warden) -> None:
        self.command = command
        self.surroundings = Surroundings()
        self.log_path = workspace.log_path(command.name)
        self._workspace = workspace
        self._warden = warden
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: ProcessIdentity | None = None

    def __repr__(self) -> str:
        state = "alive" if self.is_alive() else "dead"
        return f"<ServerProcess {self.command.name} {state}>"

    @property
    def environment(self) -> Mapping[str, str]:
        """What it is given at its next start, in addition to ours."""
        return self.command.environment

    @environment.setter
    def environment(self, environment: Mapping[str, str]) -> None:
        self.command = replace(self.command, environment=environment)

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process that was started last, None before the first start."""
        return self._identity

    @property
    def ending(self) -> str:
        """How the process ended: its exit code, or the signal that it died of."""
        return _ending(self._process)

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def start(self, ready: Callable[[], Awaitable[bool]], timeout_seconds: float) -> None:
        """Start the process and return when `ready` holds; raises `LabError`."""
        self._spawn()

        async def is_ready_or_dead() -> bool:
            return not self.is_alive() or await ready()

        await poll_until(
            is_ready_or_dead,
            timeout_seconds,
            lambda: self._error(f"did not answer within {timeout_seconds:g} s"),
        )
        if not self.is_alive():
            raise self._error(f"ended at start with {_ending(self._process)}")

    def is_paused(self) -> bool:
        """Tell whether the process is stopped, with all its threads, but not ended."""
        try:
            return self._living().status() == psutil.STATUS_STOPPED
        except (LabError, psutil.NoSuchProcess):
            return False

    async def pause(self) -> None:
        """SIGSTOP the process and its descendants; raises `LabError` when it is dead."""
        self._living().send_signal(signal.SIGSTOP)
        self._signal_descendants(signal.SIGSTOP)

    async def resume(self) -> None:
        """SIGCONT them; does nothing when the process is dead."""
        with contextlib.suppress(LabError, psutil.NoSuchProcess):
            self._signal_descendants(signal.SIGCONT)
            self._living().send_signal(signal.SIGCONT)

    def _living(self) -> psutil.Process:
        if self._identity is None or not self.is_alive():
            raise LabError(f"{self.command.name} does not run; start it first")
        return psutil.Process(self._identity.pid)

    def _signal_descendants(self, number: signal.Signals) -> None:
        for process in self._living().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL the process and its descendants, and return when all are gone."""
        if self._identity is None:
            return
        tree = kill_tree(self._identity)

        async def gone() -> bool:
            return not self.is_alive() and not any(runs(process) for process in tree)

        await poll_until(
            gone,
            _GONE_TIMEOUT_SECONDS,
            lambda: self._error("did not die of SIGKILL; look for a hung disk or a debugger"),
        )

    async def stop(self, grace_seconds: float) -> None:
        """Ask the process to end, and kill what is left of it after the grace time."""
        with contextlib.suppress(LabError):
            await self.end(grace_seconds)
        await self.kill()

    async def end(self, timeout_seconds: float) -> None:
        """Ask the process to end, and return when it is gone; raises `LabError` if it stays."""
        if self._process is None or self._identity is None:
            return
        tree = process_tree(self._identity)
        self._process.send_signal(self.command.stop_signal)

        async def gone() -> bool:
            return not self.is_alive() and not any(runs(process) for process in tree)

        await poll_until(gone, timeout_seconds, lambda: self._error("did not end in time"))

    def sample(self) -> ServerSample | None:
        """Measure what the server costs now, descendants included; None when it is dead."""
        if self._identity is None or not self.is_alive():
            return None
        return cost_of(self.command.name, self._identity)

    def _spawn(self) -> None:
        account = self.command.account
        with self.log_path.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    [
                        *dies_with_parent(),
                        *self.surroundings.prefix,
                        *self.command.arguments,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={
                        **self._workspace.environment(),
                        **self.command.environment,
                        **self.surroundings.environment,
                    },
                    start_new_session=True,
                    user=account.user_id if account else None,
                    group=account.group_id if account else None,
                    extra_groups=[] if account else None,
                )
            except OSError as error:
                raise self._error(f"could not be started: {error}") from error
        self._identity = ProcessIdentity.of(self._process.pid)
        self._warden.watch(self._identity)
        for path in self.surroundings.leftovers(self._process.pid):
            self._warden.remove(path)

    def _error(self, what: str) -> LabError:
        return LabError(
            f"{self.command.name} {what}. Its command: {' '.join(self.command.arguments)}\n"
            f"The last lines of {self.log_path}:\n{last_lines(self.log_path)}\n"
            f"Mend what the log says, or see `chroma-chaos doctor`, then start again."
        )


def _ending(process: subprocess.Popen[bytes] | None) -> str:
    code = process.returncode if process else None
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def last_lines(log_path: Path) -> str:
    """Give the end of a log, for the text of an error."""
    try:
        lines = log_path.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in lines[-_LOG_LINES:]) or "  (nothing)"

"""Owns locust at work beside a lab: started, followed, and stopped whatever happens.

It is a process of its own, because it patches the standard library. What its users did comes back
through the history that it writes, record by record, so that a run knows of them as they end.
"""

import asyncio
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import harness
from harness.errors import LabError, UnsupportedFaultError, UsageError
from harness.labs.abilities import Accompanied
from harness.labs.base import Lab
from harness.labs.server_process import ServerCommand, ServerProcess
from harness.load.follower import Follower
from harness.load.settings import LoadSettings
from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, HistoryWriter, Milestone
from harness.polling import poll_until
from harness.workloads.settings import WorkloadSettings

_NAME = "locust"
_START_SECONDS = 30.0
_STOP_SECONDS = 3.0
# Longer than any request may take, so that what is under way is finished.
_OVERTIME_SECONDS = 60.0
_INTERVAL_SECONDS = 0.1


def locustfile(traffic: str) -> Path:
    """Find the users of that traffic; raises `UsageError` that says where was looked."""
    if find_spec("locust") is None:
        raise UsageError("locust is not installed: pip install 'chroma-chaos[load]'")
    path = Path(harness.__file__).parents[1] / "locustfiles" / f"{traffic}.py"
    if not path.is_file():
        raise UsageError(f"there is no {path}: install the project whole")
    return path


@dataclass(frozen=True)
class LoadPlan:
    """What a generator is told: who works, with which contents, and where its files go."""

    load: LoadSettings
    workload: WorkloadSettings
    seed: int
    directory: Path

    def arguments(self, lb_url: str) -> tuple[str, ...]:
        """Give the command; checkers judge, so that no threshold ends it."""
        load, workload = self.load, self.workload
        options = {
            "--host": lb_url,
            "--users": load.users,
            "--run-time": f"{max(1, round(load.seconds))}s",
            "--shape": load.shape,
            "--rate-per-user": load.rate_per_user,
            "--seed": self.seed,
            "--collections": workload.collections,
            "--skew": workload.skew,
            "--dimensions": workload.dimensions,
            "--document-bytes": workload.text_bytes,
            "--documents": load.upload.documents,
            "--documents-per-request": load.upload.documents_per_request,
            "--max-fail-ratio": 1,
            "--run-directory": self.directory,
        }
        words = (str(word) for option in options.items() for word in option)
        command = (sys.executable, "-m", "locust", "-f", str(locustfile(load.traffic)))
        return (*command, "--headless", "--only-summary", *words)


class LoadGenerator:
    """One locust; `start`, then `follow` until its users have stopped."""

    def __init__(self, lab: Lab, plan: LoadPlan, log: HistoryWriter) -> None:
        if not isinstance(lab, Accompanied):
            raise UnsupportedFaultError(
                f"lab {lab.name} cannot run locust beside it: start `locust -f locustfiles/...` "
                "yourself, with its address as --host"
            )
        command = ServerCommand(_NAME, plan.arguments(lab.lb_url))
        self._process: ServerProcess = lab.companion(command)
        self._follower = Follower(plan.directory / "history.jsonl")
        self._log = log
        self._deadline_seconds = plan.load.seconds + _OVERTIME_SECONDS
        self._have_begun = self._have_stopped = False

    async def start(self) -> None:
        """Start it and return when its first users begin; raises `LabError`."""

        async def begun() -> bool:
            self._take_in()
            return self._have_begun

        await self._process.start(begun, _START_SECONDS)

    async def follow(self, over: asyncio.Event) -> None:
        """Take in what users do until they stop by themselves, and set `over`.

        Raises `LabError` when they did not.
        """

        async def stopped() -> bool:
            is_alive = self._process.is_alive()
            self._take_in()
            if not is_alive and not self._have_stopped:
                raise self._error(f"ended by {self._process.ending} while its users worked")
            return self._have_stopped

        def failure() -> LabError:
            return self._error(f"did not end within {self._deadline_seconds:g} s")

        try:
            await poll_until(stopped, self._deadline_seconds, failure, _INTERVAL_SECONDS)
            over.set()
        finally:
            # One whose users have stopped ends by itself, and with the lab at the latest.
            if not self._have_stopped:
                await self._process.stop(_STOP_SECONDS)
                self._take_in()

    def _take_in(self) -> None:
        for record in self._follower.new_records():
            self._log.append(record)
            if isinstance(record, Milestone):
                self._have_begun |= record.name == PHASE_STARTED
                self._have_stopped |= record.name == CLIENTS_STOPPED

    def _error(self, what: str) -> LabError:
        return LabError(f"locust {what}: see {self._process.log_path}")

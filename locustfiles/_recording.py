"""The history that one load generator writes: an operating-system process with users in it."""

import time
import uuid
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from harness.client.addresses import Addresses
from harness.client.recorder import Recorder, RecorderContext
from harness.model.history import (
    CLIENTS_STOPPED,
    PHASE_STARTED,
    Milestone,
    RecordFile,
    phase_at,
)
from harness.model.operation import Invocation
from harness.workloads.client import WorkloadClient
from harness.workloads.traffic import traffic_named
from locustfiles import _options
from locustfiles._session import RecordingSession


@dataclass(frozen=True)
class Member:
    """What makes one user a client process of the history."""

    number: int
    client: WorkloadClient
    session: RecordingSession
    invocations: Iterator[Invocation]


class Recording:
    """One load generator's part of the history."""

    def __init__(self, path: Path, options: Namespace, traffic: str, generator: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.options = options
        self.is_closed = False
        self._generator = generator
        self._phases: list[tuple[int, str]] = []
        self._header = _options.header_of(options, traffic)
        self._file = RecordFile(path, self._header)
        self._addresses = Addresses()
        self._members = 0
        self.done = 0

    def begin_phase(self, name: str) -> None:
        """Note that from now on there are other users."""
        now_ns = time.monotonic_ns()
        self._phases.append((now_ns, name))
        self._file.append(Milestone(name=PHASE_STARTED, at_ns=now_ns, detail=name))

    def member(self, traffic: str, http: FastHttpSession) -> Member:
        """Name one more user; no two of a load have the same name."""
        self._members += 1
        process = f"user-{self._generator}-{self._members}"
        settings = _options.settings_of(self.options, traffic)
        names = range(1, settings.collections + 1)
        collections = [f"{self._header.prefix}files_{n}" for n in names]
        client = WorkloadClient(process, self._header.seed, collections, settings)
        context = RecorderContext(
            header=self._header,
            append=self._file.append,
            phase_at=lambda moment_ns: phase_at(self._phases, moment_ns),
            new_transaction_id=lambda: str(uuid.uuid4()),
            addresses=self._addresses,
        )
        session = RecordingSession(http, Recorder(process, context))
        upload = _options.upload_of(self.options)
        invocations = traffic_named(traffic).invocations(client, upload)
        return Member(self._members, client, session, invocations)

    def count_done(self) -> None:
        """Note that one more user has nothing left to do."""
        self.done += 1

    def knows(self, collection: str) -> bool:
        """Tell whether the server has said what it calls the collection."""
        return self._addresses.knows(collection)

    def close(self) -> None:
        """Note that the users have stopped; nothing is recorded after."""
        if not self.is_closed:
            self._file.append(Milestone(name=CLIENTS_STOPPED, at_ns=time.monotonic_ns()))
            self.is_closed = True


_RECORDINGS: dict[int, Recording] = {}


def keep(environment: Environment, recording: Recording) -> None:
    """Make it the recording of that environment."""
    _RECORDINGS[id(environment)] = recording


def recording_of(environment: Environment) -> Recording:
    """Find the recording that was begun when the test was."""
    return _RECORDINGS[id(environment)]


def is_recording(environment: Environment) -> bool:
    """Tell whether a test has begun."""
    return id(environment) in _RECORDINGS

"""What one run has in the engine: names of its own, and labels by which all of it is found.

The labels say which run made it, and which process that was: what is left of a runner that lives no
more is a leftover, and goes.
"""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from harness.errors import LabError
from harness.labs.containers.engine import Engine
from harness.labs.process_tree import ProcessIdentity

RUN_LABEL = "chroma-chaos.run"
_PID_LABEL, _STARTED_LABEL = "chroma-chaos.pid", "chroma-chaos.started"
# Who lives in another namespace of processes is not seen here, and may be alive.
_PIDS_LABEL = "chroma-chaos.pids"
_GIVE_UP_SECONDS = 30.0
_INTERVAL_SECONDS = 0.1


@dataclass(frozen=True)
class Project:
    """A run in the engine; `labels` are on everything that is made for it."""

    run_id: str
    labels: Mapping[str, str]

    @classmethod
    def of_this_process(cls, run_id: str) -> "Project":
        """Make the one whose things go with this process."""
        maker = ProcessIdentity.of(os.getpid())
        labels = {
            RUN_LABEL: run_id,
            _PID_LABEL: str(maker.pid),
            _STARTED_LABEL: str(maker.started),
            _PIDS_LABEL: _namespace(),
        }
        return cls(run_id, MappingProxyType(labels))

    def name(self, what: str) -> str:
        """Name a container, network or volume of the run."""
        return f"chroma-chaos-{self.run_id}-{what}"


@dataclass(frozen=True)
class Remains:
    """What is there of a run: its things by their names."""

    run_id: str
    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def leftovers(engine: Engine) -> tuple[Remains, ...]:
    """Find what is left of runs whose runner lives no more."""
    runs: dict[str, Mapping[str, str]] = {}
    for things in engine.labelled(RUN_LABEL):
        for thing in things:
            runs[thing["Labels"][RUN_LABEL]] = thing["Labels"]
    return tuple(remains(engine, run) for run, labels in runs.items() if _is_orphan(labels))


def remains(engine: Engine, run_id: str) -> Remains:
    """List what is there of a run."""
    containers, networks, volumes = engine.labelled(f"{RUN_LABEL}={run_id}")
    return Remains(
        run_id,
        tuple(str(each["Names"][0]).lstrip("/") for each in containers),
        tuple(str(each["Name"]) for each in networks),
        tuple(str(each["Name"]) for each in volumes),
    )


def remove(engine: Engine, found: Remains) -> None:
    """Remove all of it; raises `LabError` for what stays."""
    for container in found.containers:
        engine.remove_container(container)
    for network in found.networks:
        engine.remove_network(network)
    for volume in found.volumes:
        engine.remove_volume(volume)


def remove_run(run_id: str, quiet_seconds: float) -> None:
    """Remove what is there of a run, until nothing new has appeared for so long.

    What cannot be removed is tried again; raises `LabError` when it stays.
    """
    with closing(Engine()) as engine:
        now = time.monotonic()
        give_up, quiet_until = now + _GIVE_UP_SECONDS, now + quiet_seconds
        while True:
            found = remains(engine, run_id)
            if found == Remains(run_id) and time.monotonic() >= quiet_until:
                return
            try:
                remove(engine, found)
            except LabError:
                if time.monotonic() >= give_up:
                    raise
            if found != Remains(run_id):
                quiet_until = time.monotonic() + quiet_seconds
            time.sleep(_INTERVAL_SECONDS)


def _is_orphan(labels: Mapping[str, str]) -> bool:
    try:
        maker = ProcessIdentity(int(labels[_PID_LABEL]), float(labels[_STARTED_LABEL]))
        is_seen_here = labels[_PIDS_LABEL] == _namespace()
    except (KeyError, ValueError):
        return False
    return is_seen_here and maker.find() is None


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())

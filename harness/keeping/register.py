"""The register of labs that outlive their command: one small JSON file per lab, in the runs root.

The runs root is `.runs` in the current directory, or `CHROMA_CHAOS_RUNS`. A lab's file is
`<root>/labs/<name>.json`; it appears when the lab is being started and goes when it is down.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.labs.process_tree import ProcessIdentity, runs

SETTING = "CHROMA_CHAOS_RUNS"


class ProcessRecord(msgspec.Struct, frozen=True):
    """One operating-system process of a lab, with its start time against reused ids."""

    pid: int
    started: float

    @classmethod
    def of(cls, identity: ProcessIdentity) -> "ProcessRecord":
        """Record a process."""
        return cls(identity.pid, identity.started)

    @property
    def identity(self) -> ProcessIdentity:
        """The process, to be looked for."""
        return ProcessIdentity(self.pid, self.started)

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        process = self.identity.find()
        return process is not None and runs(process)


class ServerRecord(msgspec.Struct, frozen=True):
    """One server of a lab; `proxied_url` is the address that the lb was given for it."""

    name: str
    url: str
    proxied_url: str | None
    process: ProcessRecord


class LabRecord(msgspec.Struct, frozen=True):
    """A lab in the register; while it starts it has no servers yet.

    `lb_command` or `lb_image` is another load balancer than ours. `admin_headers` are what the
    load balancer asks of administrators.
    """

    name: str
    run_directory: str
    lab: str
    instance_count: int
    lb_ready_path: str
    created_seconds: float
    lb_command: str | None = None
    lb_image: str | None = None
    admin_headers: dict[str, str] = {}
    keeper: ProcessRecord | None = None
    servers: tuple[ServerRecord, ...] = ()
    startup_seconds: dict[str, float] = {}

    def url(self, server: str) -> str:
        """Give the address of one server."""
        return next(record.url for record in self.servers if record.name == server)


class LabRegister:
    """The labs of one runs root; a name belongs to one lab at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "LabRegister":
        """Open the register of the runs root that the environment names."""
        return cls(Path(environment.get(SETTING) or ".runs").resolve())

    def add(self, record: LabRecord) -> None:
        """Enter a new lab; raises `UsageError` when its name is taken."""
        path = self._path(record.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(msgspec.json.encode(record))
        except FileExistsError:
            raise UsageError(
                f"there is a lab called {record.name} already; take it down by "
                f"`chroma-chaos lab down {record.name}`, or choose another run directory"
            ) from None

    def update(self, record: LabRecord) -> None:
        """Replace the entry of a lab, in one step for its readers."""
        path = self._path(record.name)
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(record))
        new.replace(path)

    def remove(self, name: str) -> None:
        """Strike a lab out."""
        self._path(name).unlink(missing_ok=True)

    def records(self) -> tuple[LabRecord, ...]:
        """List the labs by name."""
        found = (self._read(path) for path in sorted(self._path("*").parent.glob("*.json")))
        return tuple(record for record in found if record is not None)

    def find(self, name: str) -> LabRecord | None:
        """Find a lab; None when there is none of that name."""
        return self._read(self._path(name))

    def get(self, name: str) -> LabRecord:
        """Find a lab; raises `UsageError`, which names those there are."""
        record = self.find(name)
        if record is None:
            names = ", ".join(record.name for record in self.records()) or "none"
            raise UsageError(f"no lab {name!r} is up; labs that are: {names}")
        return record

    def next_name(self) -> str:
        """Choose a name that neither a lab nor the logs of an earlier one have."""
        number = 1
        while (self.root / f"lab-{number}").exists() or self._path(f"lab-{number}").exists():
            number += 1
        return f"lab-{number}"

    def _path(self, name: str) -> Path:
        return self.root / "labs" / f"{name}.json"

    @staticmethod
    def _read(path: Path) -> LabRecord | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=LabRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            # Gone, or being written for the first time, just now.
            return None

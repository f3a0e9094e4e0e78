"""The remote lab: a system that runs somewhere, known only by its URLs. Starts and stops nothing.

Others use it too. What a run owes them is said here (`Shared`) and kept by the runner and by the
clients' guard: names of its own, protected collections untouched, nothing left behind.
"""

import platform
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from harness.errors import LabError, UsageError
from harness.labs.administration import Administration, bearer
from harness.labs.base import Capability, Instance, Need, ServerSample
from harness.labs.readiness import answers_ok, probe_client

_HEARTBEAT = "/api/v2/heartbeat"
_MARK_BYTES = 3


@dataclass(frozen=True)
class RemoteLabSettings:
    """Where the system is, the primary first among its instances, and what is not ours there.

    Without an admin token the client token is tried, too: some are let in by where they come from.
    """

    run_directory: Path
    lb_url: str
    instance_urls: tuple[str, ...]
    protected: frozenset[str] = frozenset()
    lb_ready_path: str = _HEARTBEAT
    client_token: str = field(default="", repr=False)
    admin_token: str = field(default="", repr=False)


class RemoteLab:
    """A `Lab` that is `Shared` and `Forcible`; it has no other ability."""

    name = "remote"
    capabilities = frozenset({Capability.FORCE_HEALTH})

    def __init__(self, settings: RemoteLabSettings) -> None:
        self.run_directory = settings.run_directory
        self.lb_url = settings.lb_url.rstrip("/")
        self._lb_ready_path = settings.lb_ready_path
        self.mark = secrets.token_hex(_MARK_BYTES)
        self.protected = settings.protected
        self.lb_headers: Mapping[str, str] = MappingProxyType(bearer(settings.client_token))
        token = settings.admin_token or settings.client_token
        self._administration = Administration(self.lb_url, bearer(token))
        self._refusals: dict[str, str] = {}
        urls = tuple(url.rstrip("/") for url in settings.instance_urls)
        if len({self.lb_url, *urls}) != 1 + len(urls):
            raise UsageError(
                "the URLs of the load balancer and of its instances must all be different: what "
                "instances hold is read past the load balancer"
            )
        others = (f"replica-{number}" for number in range(2, len(urls)))
        names = ("primary", "replica", *others)
        self.instances = tuple(Instance(*each) for each in zip(names, urls, strict=False))

    def __repr__(self) -> str:
        return f"<RemoteLab {self.lb_url}>"

    @property
    def targets(self) -> tuple[str, ...]:
        """The instances, then the load balancer."""
        return (*(instance.name for instance in self.instances), "lb")

    @property
    def versions(self) -> Mapping[str, str]:
        """What is known here: where everything is."""
        return {"python": platform.python_version(), **self.urls()}

    def urls(self) -> Mapping[str, str]:
        """Where each server is reached."""
        return {**{instance.name: instance.url for instance in self.instances}, "lb": self.lb_url}

    def administration(self) -> Administration:
        """Give what forces an instance's health."""
        return self._administration

    def why_not(self, need: Need) -> str:
        """Say why it cannot be done, as was found out at the start."""
        if need.target == "lb":
            return f"only an instance can be given {need.capability}"
        return self._refusals.get(need.target, "")

    async def start(self) -> None:
        """See every server answer, and find out what may be done; raises `LabError`."""
        signs = {instance.name: instance.url + _HEARTBEAT for instance in self.instances}
        async with probe_client() as client:
            for name, url in signs.items():
                if not await answers_ok(client, url):
                    raise LabError(f"{name} does not answer 200 at {url}: is its URL right?")
            client.headers.update(self.lb_headers)
            if not await answers_ok(client, url := self.lb_url + self._lb_ready_path):
                raise LabError(
                    f"lb does not answer 200 at {url}: is its URL right, and the client token?"
                )
        self._refusals = {
            instance.name: await self._administration.why_not(instance.name)
            for instance in self.instances
        }

    async def stop(self) -> None:
        """Leave the system as it is."""

    def log_path(self, target: str) -> Path:
        """Raise `LabError`: a remote server's log is out of reach."""
        raise LabError(f"the log of {target} is out of reach")

    def samples(self) -> tuple[ServerSample, ...]:
        """Measure nothing: its processes are out of reach."""
        return ()

"""Owns the choice of a lab: what is said of it, what contradicts, and which lab that means."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.labs.base import Lab, Need
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.labs.remote import RemoteLab, RemoteLabSettings

PROCESSES, COMPOSE, REMOTE = "processes", "compose", "remote"


@dataclass(frozen=True)
class LabOptions:
    """What the options say of the lab; what they leave out is the lab's own default.

    Without a `lab`, URLs mean the remote one. `instance_count` is for labs of ours. `needs` is what
    the run will ask of it, `lb_environment` what it sets for a load balancer that the lab starts.
    """

    lab: str | None = None
    instance_count: int = ProcessLabSettings.instance_count
    lb_command: str | None = None
    lb_image: str | None = None
    lb_ready: str | None = None
    needs: frozenset[Need] = frozenset()
    lb_environment: Mapping[str, str] = field(default_factory=dict)
    lb_url: str | None = None
    primary_url: str | None = None
    replica_urls: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    client_token: str = field(default="", repr=False)
    admin_token: str = field(default="", repr=False)
    lb_memory_bytes: int | None = None

    @property
    def is_lb_our_own(self) -> bool:
        """Whether the load balancer is known to be ours."""
        return not self.lb_command and not self.lb_image and self.lab != REMOTE

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a command line that say the same, but for tokens: those are secrets."""
        said: list[tuple[str, str | None]] = [
            ("--lab", COMPOSE if self.lab == COMPOSE else None),
            ("--lb-command", self.lb_command),
            ("--lb-image", self.lb_image),
            ("--lb-ready", self.lb_ready),
            ("--lb-url", self.lb_url),
            ("--primary-url", self.primary_url),
            *(("--replica-url", url) for url in self.replica_urls),
            *(("--protect", name) for name in self.protected),
        ]
        return tuple(word for option, value in said if value for word in (option, value))

    @property
    def configuration(self) -> dict[str, object]:
        """What the record of a run says of the lab; never a token."""
        said: dict[str, object] = {
            "lab": self.lab or PROCESSES,
            "lb_command": self.lb_command,
            "lb_image": self.lb_image,
            "lb_ready": self.lb_ready,
            "lb_memory_bytes": self.lb_memory_bytes,
        }
        if self.lab == REMOTE:
            said |= {"lb_url": self.lb_url, "protected": self.protected}
        return said


def decided(options: LabOptions) -> LabOptions:
    """Give the options their lab; raises `UsageError` for what contradicts."""
    chosen = options.lab or (REMOTE if options.lb_url else PROCESSES)
    if chosen not in LABS:
        raise UsageError(f"there is no lab {chosen!r}; the labs are {', '.join(LABS)}")
    if options.lb_image and chosen != COMPOSE:
        raise UsageError(f"--lb-image is for containers: say --lab {COMPOSE} with it")
    if options.lb_command and chosen == COMPOSE:
        raise UsageError(
            f"--lb-command starts a process: a lab of {COMPOSE} takes an image, by --lb-image"
        )
    urls = {
        "--lb-url": (options.lb_url,),
        "--primary-url": (options.primary_url,),
        "--replica-url": options.replica_urls,
    }
    if chosen == REMOTE:
        _check_remote(urls, options)
    elif said := [option for option, values in urls.items() if any(values)]:
        raise UsageError(
            f"{', '.join(said)}: a lab of {chosen} has addresses of its own; leave it out, or say "
            f"--lab {REMOTE} with all of {', '.join(urls)}"
        )
    return replace(options, lab=chosen)


def make_lab(options: LabOptions, run_directory: Path) -> Lab:
    """Make the lab; it is not started. Raises `PartMissingError` for one that lacks a part."""
    return LABS[options.lab or PROCESSES](options, run_directory)


def _check_remote(urls: Mapping[str, tuple[str | None, ...]], options: LabOptions) -> None:
    if options.lb_command:
        raise UsageError("--lb-command starts a load balancer; the one at --lb-url runs already")
    if missing := [option for option, values in urls.items() if not any(values)]:
        raise UsageError(
            f"a remote system takes {', '.join(urls)}, because what instances hold is read past "
            f"the load balancer; {', '.join(missing)} is missing"
        )
    for option, values in urls.items():
        for url in values:
            check_url(option, str(url))


def check_url(option: str, url: str) -> None:
    """Raise `UsageError` for what is no address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{option} {url!r} is no URL: it is like https://lb.example.com")


def _process_lab(options: LabOptions, run_directory: Path) -> Lab:
    settings = ProcessLabSettings(
        run_directory,
        instance_count=options.instance_count,
        needs=options.needs,
        lb_environment=options.lb_environment,
        lb_memory_bytes=options.lb_memory_bytes,
    )
    if options.lb_command:
        settings = replace(settings, lb_command=tuple(shlex.split(options.lb_command)))
    if options.lb_ready:
        settings = replace(settings, lb_ready_path=options.lb_ready)
    return ProcessLab(settings)


def _compose_lab(options: LabOptions, run_directory: Path) -> Lab:
    settings = ComposeLabSettings(
        run_directory,
        instance_count=options.instance_count,
        lb_image=options.lb_image,
        needs=options.needs,
        lb_environment=options.lb_environment,
        lb_memory_bytes=options.lb_memory_bytes,
    )
    if options.lb_ready:
        settings = replace(settings, lb_ready_path=options.lb_ready)
    return ComposeLab(settings)


def _remote_lab(options: LabOptions, run_directory: Path) -> Lab:
    settings = RemoteLabSettings(
        run_directory,
        lb_url=str(options.lb_url),
        instance_urls=(str(options.primary_url), *options.replica_urls),
        protected=frozenset(options.protected),
        client_token=options.client_token,
        admin_token=options.admin_token,
    )
    if options.lb_ready:
        settings = replace(settings, lb_ready_path=options.lb_ready)
    return RemoteLab(settings)


LABS: Mapping[str, Callable[[LabOptions, Path], Lab]] = MappingProxyType(
    {PROCESSES: _process_lab, COMPOSE: _compose_lab, REMOTE: _remote_lab}
)

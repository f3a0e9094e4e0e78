"""Describes the machine and the versions that figures were measured with."""

import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.nginx import find_nginx
from harness.errors import PartMissingError
from harness.parts.chroma import find_chroma
from harness.parts.postgres import find_postgres

_IDLE_LOAD = 1.0
_PACKAGES = ("aiohttp", "asyncpg", "httptools", "uvloop")


def describe() -> dict[str, str]:
    """Say what the machine is, and how busy it was before anything was measured."""
    load = ", ".join(f"{average:.2f}" for average in os.getloadavg())
    return {
        "processor": processor(),
        "cores": f"{psutil.cpu_count()} ({len(_usable())} usable)",
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "load average before": load,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "chroma": _part(lambda: find_chroma().version),
        "postgresql": _part(lambda: find_postgres().version),
        "nginx": nginx_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def why_busy() -> str:
    """Warn when others use the machine; nothing when it is idle enough."""
    average = os.getloadavg()[0]
    if average <= _IDLE_LOAD:
        return ""
    return f"the load average is {average:.1f}: others use this machine, so figures will be worse"


def processor() -> str:
    """Name the processor, as the kernel does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def nginx_version() -> str:
    """Give the version of nginx, or say that there is none."""
    nginx = find_nginx()
    if nginx is None:
        return "absent"
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False)
    return (said.stderr or said.stdout).strip().rpartition("/")[2]


def _usable() -> "set[int] | range":
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def _part(find: Callable[[], str]) -> str:
    try:
        return find()
    except PartMissingError:
        return "absent"

"""Memory pressure: how much of its memory the process uses, and what it may still take on.

The decisions are pure functions of the used share; nothing here makes anybody wait.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from lb.merging import WindowLimits

LOOK_SECONDS = 0.25
"""How long a measurement counts: it costs a few reads of /proc and of the control group."""

CALM = 0.6
"""Below this share of memory all is of full size."""
TIGHT = 0.95
"""From this share on all is as small as can be."""

NO_LIMIT = 1 << 60
"""Version 1 of control groups writes a number beyond this where there is no limit."""

LEAST_BYTES = 64 << 10
LEAST_BUDGET = 0.25
"""The part of the byte budget that stays when memory is tight: with none nothing would end."""


FULL_WINDOW = WindowLimits()


def ease(used_share: float) -> float:
    """Return 1 while memory is calm, 0 when it is tight, and between them a straight line."""
    return min(1.0, max(0.0, (TIGHT - used_share) / (TIGHT - CALM)))


def limits_at(used_share: float, full: WindowLimits = FULL_WINDOW) -> WindowLimits:
    """Return how large a window may be when this share of memory is used."""
    part = ease(used_share)
    return WindowLimits(
        entries=max(1, round(full.entries * part)),
        documents=max(1, round(full.documents * part)),
        body_bytes=max(LEAST_BYTES, round(full.body_bytes * part)),
    )


def budget_at(used_share: float, full_bytes: int) -> int:
    """Return how many bytes of bodies may be in memory when this share of it is used."""
    return round(full_bytes * (LEAST_BUDGET + (1 - LEAST_BUDGET) * ease(used_share)))


class Pressure:
    """Measures the process now and then. The limit is the setting, or the container's if lower."""

    def __init__(
        self,
        limit_bytes: int,
        clock: Callable[[], float],
        rss_bytes: Callable[[], int] | None = None,
        container_limit_bytes: Callable[[], int | None] | None = None,
    ) -> None:
        self._setting_bytes = limit_bytes
        self._clock = clock
        self._measure_rss = rss_bytes or resident_bytes
        self._measure_limit = container_limit_bytes or container_limit
        self._looked_at = float("-inf")
        self._rss_bytes, self._limit_bytes = 0, limit_bytes
        self._budgets: dict[int, int] = {}
        """What is left of each budget since the last look: each request asks."""

    @property
    def used_share(self) -> float:
        """How much of the memory is used: 0 to 1."""
        self._look()
        return min(1.0, self._rss_bytes / self._limit_bytes)

    def window_limits(self) -> WindowLimits:
        """Return how large a window may be now."""
        return limits_at(self.used_share)

    def budget_bytes(self, full_bytes: int) -> int:
        """Return how much of the byte budget counts now."""
        self._look()
        if (left := self._budgets.get(full_bytes)) is None:
            left = self._budgets[full_bytes] = budget_at(self.used_share, full_bytes)
        return left

    def figures(self) -> dict[str, float]:
        """Describe memory, and the windows that it allows."""
        used_share, window = self.used_share, self.window_limits()
        return {
            "limit_bytes": self._limit_bytes,
            "rss_bytes": self._rss_bytes,
            "pressure": round(used_share, 3),
            "window_entries": window.entries,
            "window_documents": window.documents,
            "window_bytes": window.body_bytes,
        }

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        self._budgets.clear()
        self._rss_bytes = self._measure_rss()
        limits = (self._setting_bytes, self._measure_limit())
        self._limit_bytes = min(limit for limit in limits if limit is not None)


def resident_bytes() -> int:
    """Measure the memory that this process has."""
    return int(psutil.Process().memory_info().rss)


def container_limit(
    own_groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Read the lowest memory limit of the control groups above this process; None without one.

    Both versions; source: https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1.
    Version 2 writes `max` where there is none.
    """
    try:
        lines = own_groups.read_text().splitlines()
    except OSError:
        return None
    limits = (limit for line in lines for limit in _limits(line, root))
    return min(limits, default=None)


def _limits(line: str, root: Path) -> Iterator[int]:
    """Read the limits of one line of /proc/self/cgroup: the group's, and of those above it.

    In a container the group's path is often the host's, and only the topmost can be read.
    """
    number, controllers, path = line.split(":", 2)
    if number == "0":
        top, name = root, "memory.max"
    elif "memory" in controllers.split(","):
        top, name = root / "memory", "memory.limit_in_bytes"
    else:
        return
    group = top / path.lstrip("/")
    for each in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):
            limit = int((each / name).read_text())
            if limit < NO_LIMIT:
                yield limit
        if each == top:
            return

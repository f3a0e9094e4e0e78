"""Failpoints: named places between the steps of a write where a test makes the process misbehave.

A start with `FAILPOINTS_ENABLED=true` may arm some; otherwise none is ever armed, and reaching one
does nothing. They belong to the process, as what they do concerns all of it: see `Crash`.

    before-append > before-commit > after-append > before-send > after-send > before-ack
                                                        before-cursor > after-cursor
"""

import asyncio
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum

from lb.errors import ConfigurationError, InstanceUnreachableError
from lb.model import Entry, Kind

CRASH_STATUS = 137
"""What a shell reports of a process that SIGKILL ended."""


class Do(StrEnum):
    """What happens at an armed failpoint."""

    CRASH = "crash"
    """The process ends at once, without any cleanup, as by SIGKILL."""
    HANG = "hang"
    """Whoever reached it goes no further."""
    DELAY = "delay"
    """Whoever reached it goes on later."""
    FAIL = "fail"
    """The connection that is in use there breaks: to the instance, else to PostgreSQL."""


class Connection(StrEnum):
    """Which connection is in use at a point, and so can fail there."""

    INSTANCE = "instance"
    LOG = "log"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Point:
    """One place: the connection in use, and whether it is reached for each instance."""

    connection: Connection
    of_instance: bool = True


POINTS = {
    "before-append": Point(Connection.LOG, of_instance=False),
    "before-commit": Point(Connection.LOG, of_instance=False),
    "after-append": Point(Connection.LOG, of_instance=False),
    "before-send": Point(Connection.INSTANCE),
    "before-resolve": Point(Connection.INSTANCE),
    "after-resolve": Point(Connection.INSTANCE),
    "after-send": Point(Connection.INSTANCE),
    "before-ack": Point(Connection.NONE, of_instance=False),
    "before-cursor": Point(Connection.LOG),
    "after-cursor": Point(Connection.NONE),
}
"""In the order of a write: its round begins; it is inserted; it is committed but not delivered; it
is sent to an instance (where a delete with conditions is made repeatable); the answer is received,
but not noted; its outcome is known, but the client is not answered; the cursor is written, but not
committed; it is committed, but not known to be."""

PATTERN = re.compile(
    r"(?P<point>[a-z-]+)(:(?P<instance>[\w-]+))?"
    r"(\[(?P<key>kind|transaction)=(?P<value>[^\]]+)\])?"
    r"=(?P<do>crash|hang|delay|fail)(\((?P<seconds>\d+(\.\d+)?)\))?(@(?P<nth>[1-9]\d*))?"
)


@dataclass(slots=True)
class Failpoint:
    """What to do at a point, for which entries, and at which time of reaching it (0: each)."""

    point: str
    do: Do
    instance: str | None = None
    kind: Kind | None = None
    transaction_id: str | None = None
    delay_seconds: float = 0.0
    nth: int = 0
    reached: int = field(default=0, compare=False)

    def is_due(self, point: str, instance: str, entry: Entry) -> bool:
        """Count that the point was reached, if it is this one; tell whether to act."""
        wanted = (self.instance, self.kind, self.transaction_id)
        given = (instance, entry.kind, entry.transaction_id)
        pairs = zip(wanted, given, strict=True)
        if point != self.point or any(want not in (None, have) for want, have in pairs):
            return False
        self.reached += 1
        return self.nth in (0, self.reached)

    async def act(self, instance: str) -> None:
        """Do it; raises what a broken connection raises where the point is."""
        if self.do is Do.CRASH:
            os._exit(CRASH_STATUS)
        if self.do is Do.HANG:
            await asyncio.Event().wait()
        if self.do is Do.DELAY:
            await asyncio.sleep(self.delay_seconds)
        if self.do is Do.FAIL and POINTS[self.point].connection is Connection.INSTANCE:
            raise InstanceUnreachableError(instance, f"failpoint {self.point}")
        if self.do is Do.FAIL:
            raise ConnectionResetError(f"failpoint {self.point}")


_armed: list[Failpoint] = []


def arm(failpoints: list[Failpoint]) -> None:
    """Make these, and no others, act from now on."""
    _armed[:] = failpoints


async def reach(point: str, *entries: Entry, instance: str = "") -> None:
    """Do what is armed here, once for each of the entries that it concerns."""
    if not _armed:
        return
    for entry in entries:
        for failpoint in _armed:
            if failpoint.is_due(point, instance, entry):
                await failpoint.act(instance)


def parse_failpoints(text: str, instances: frozenset[str]) -> list[Failpoint]:
    """Read `point[:instance][[kind=K]|[transaction=ID]]=action[@n]`, separated by semicolons.

    Raises `ConfigurationError` that names what is wrong.
    """
    return [_parse(part.strip(), instances) for part in text.split(";") if part.strip()]


def _parse(text: str, instances: frozenset[str]) -> Failpoint:
    match = PATTERN.fullmatch(text)
    if match is None:
        raise _refusal(text, "must look like after-append=crash@2 or before-send:primary=delay(1)")
    point, instance, do = POINTS.get(match["point"]), match["instance"], Do(match["do"])
    if point is None:
        raise _refusal(text, f"the points are {', '.join(POINTS)}")
    if instance is not None and not (point.of_instance and instance in instances):
        raise _refusal(text, f"{match['point']} is never reached for {instance}")
    if do is Do.FAIL and point.connection is Connection.NONE:
        raise _refusal(text, f"no connection is in use at {match['point']}")
    if (do is Do.DELAY) != (match["seconds"] is not None):
        raise _refusal(text, "a delay, and nothing else, has seconds: delay(0.5)")
    kind = match["value"] if match["key"] == "kind" else None
    if kind is not None and kind not in set(Kind):
        raise _refusal(text, f"the kinds are {', '.join(Kind)}")
    return Failpoint(
        point=match["point"],
        do=do,
        instance=instance,
        kind=None if kind is None else Kind(kind),
        transaction_id=match["value"] if match["key"] == "transaction" else None,
        delay_seconds=float(match["seconds"] or 0),
        nth=int(match["nth"] or 0),
    )


def _refusal(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"FAILPOINTS: {text}: {why}")

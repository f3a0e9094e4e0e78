"""Suspects: whether an entry that an instance answered with a 5xx may be sent on. Pure.

Only positive evidence that it is harmless lets it go on; the order in which writes were sent or
failed is none (measured: a poisoned Chroma fails all that is in flight, in nearly any order).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

import msgspec

from lb.model import Excuse, Failure, Standing, Suspicion

LONGEST_SUSPICION_SECONDS = 10.0
"""An entry without evidence for so long is quarantined: what comes later proves nothing."""

ACCUSING_SECONDS = 1.0
"""Canary writes that fail sooner after the entry accuse nobody: the next may name the disk.

Seen: on a disk that had just become full two writes said that they could not be compacted, and
those after them, within 0.1 s, that the disk is full.
"""

MOST_FAILURES = 3
"""So many failures, on two instances that all survive, are the request's own fault."""

DISK_CAUSES = (
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "(os error 5)",
    "(os error 24)",
    "(os error 28)",
    "(os error 30)",
)
"""What a server says whose disk fails. Not: out of memory, which a request may cause."""

STORAGE_CAUSES = (*DISK_CAUSES, "database is locked", "database disk image is malformed")
"""What it may say as well while its disk fails, but also for other reasons."""


class CanaryResult(Enum):
    """What became of a canary write."""

    TAKEN = auto()
    FAILED = auto()
    """It was answered with a 5xx."""
    REFUSED = auto()
    """It was answered with a 4xx: the server may not let us test it."""
    SILENT = auto()
    """No answer in time, or none of the server's own."""


@dataclass(frozen=True, slots=True)
class CanaryAnswer:
    """A canary write, with times of the monotonic clock."""

    began_at: float
    ended_at: float
    result: CanaryResult
    error: str = ""
    heartbeat_failed: bool = False
    """Whether a heartbeat was answered with an error, too: a poisoned Chroma answers it well."""


def judge(suspicion: Suspicion, canaries: Mapping[str, CanaryAnswer], now: float) -> Suspicion:
    """Look at a suspect in the light of the last canary write on each instance.

    Where an instance took one, it is that in the entry's own collection: a server can survive a
    write while the collection does not.
    """
    failures = tuple(
        replace(each, excuse=each.excuse or find_excuse(each, canaries.get(each.instance)))
        for each in suspicion.failures
    )
    suspicion = replace(suspicion, failures=failures)
    open_ones = [each for each in failures if each.excuse is None]
    if not open_ones:
        return _judge_excused(suspicion)
    for each in open_ones:
        reason = _accusation(each, canaries.get(each.instance), now)
        if reason:
            return replace(suspicion, standing=Standing.QUARANTINED, reason=reason)
    return suspicion


def find_excuse(failure: Failure, canary: CanaryAnswer | None) -> Excuse | None:
    """Return the evidence that the entry did not cause the failure, if there is any."""
    if failure.was_failing:
        return Excuse.WAS_FAILING
    if canary is None or canary.ended_at < failure.failed_at:
        return None
    if canary.result is CanaryResult.TAKEN and canary.began_at >= failure.failed_at:
        return Excuse.SURVIVED
    if canary.result is CanaryResult.FAILED and canary.heartbeat_failed:
        return Excuse.EVERYTHING
    if canary.result is CanaryResult.FAILED and _names(DISK_CAUSES, canary.error):
        # The first write that meets a full disk may get an error that does not say so.
        return Excuse.ENVIRONMENT
    if not names_storage(failure.error):
        return None
    silent = canary.result is CanaryResult.SILENT
    failed_alike = canary.result is CanaryResult.FAILED and names_storage(canary.error)
    return Excuse.ENVIRONMENT if silent or failed_alike else None


def names_storage(error: str) -> bool:
    """Tell whether a server blames its storage."""
    return _names(STORAGE_CAUSES, error)


def _names(causes: tuple[str, ...], error: str) -> bool:
    return any(cause in error for cause in causes)


def _accusation(failure: Failure, canary: CanaryAnswer | None, now: float) -> str:
    failed = canary is not None and canary.result is CanaryResult.FAILED
    if canary is not None and failed and canary.ended_at >= failure.failed_at + ACCUSING_SECONDS:
        return f"other writes on {failure.instance} fail since: {canary.error}"
    if now - failure.failed_at >= LONGEST_SUSPICION_SECONDS:
        return f"no canary write on {failure.instance} has shown that it survived"
    return ""


def _judge_excused(suspicion: Suspicion) -> Suspicion:
    survived = [each for each in suspicion.failures if each.excuse is Excuse.SURVIVED]
    instances = {each.instance for each in survived}
    if len(instances) > 1 and len(survived) >= MOST_FAILURES:
        reason = "instances that are well answer it with a 5xx, again and again"
        return replace(suspicion, standing=Standing.QUARANTINED, reason=reason)
    return replace(suspicion, standing=Standing.CLEARED)


def encode_suspicion(suspicion: Suspicion) -> str:
    """Write a suspicion as it is stored."""
    return msgspec.json.encode(suspicion).decode()


def stored_suspicion(text: str | None, now: float) -> Suspicion | None:
    """Read a suspicion back; the old process's clock is worth nothing, so it failed just now."""
    if text is None:
        return None
    suspicion = msgspec.json.decode(text, type=Suspicion)
    failures = tuple(replace(each, failed_at=now) for each in suspicion.failures)
    return replace(suspicion, failures=failures)

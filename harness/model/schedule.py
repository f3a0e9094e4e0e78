"""Owns the schedule of a nemesis: which fault begins when and lasts how long."""

import msgspec

from harness.model.history import Limits


class ScheduledFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault by name, from `at_seconds` after the beginning of its phase.

    With a `trigger`, that is the moment from which its event is awaited; the fault is injected so
    many milliseconds after the event, and lasts `seconds` from then on.
    """

    fault: str
    at_seconds: float
    seconds: float
    trigger: str = ""
    offset_milliseconds: int = 0


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a nemesis does in `seconds`; `seed` says what it was made from.

    `clients` names the client processes that take part, each of which does what it would do among
    all of them; empty for all. Without `limits` errors that clients see are counted, not judged.
    `lb_environment` are settings of the load balancer, each like `LOG_MAX_ENTRIES=20`.
    """

    seed: int
    seconds: float
    faults: tuple[ScheduledFault, ...]
    clients: tuple[str, ...] = ()
    limits: Limits | None = None
    lb_environment: tuple[str, ...] = ()

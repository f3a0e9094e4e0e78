"""Makes what the harness saw beside the clients; times are in seconds."""

from typing import Any

import msgspec

from harness.model.fault_window import FaultWindow
from harness.model.history import History
from harness.model.observation import InstanceSample, LbAnswer, LogSample, Observation
from tests.unit.checkers.histories import SECOND, history


def observed(*records: Any, faults: tuple[str, ...] = ()) -> History:
    """Make a history that watched two instances."""
    watched: list[Observation] = [
        InstanceSample(instance=name, asked_ns=0, answered_ns=1) for name in ("primary", "replica")
    ]
    return history(*watched, *records, faults=faults)


def says(
    path: str, content: Any, at: float = 0.0, *, status: int = 200, at_rest: bool = False
) -> LbAnswer:
    """An answer that takes 10 ms; `content` is made JSON unless it is text already."""
    body = content if isinstance(content, str) else msgspec.json.encode(content).decode()
    return LbAnswer(
        path=path,
        asked_ns=round(at * SECOND),
        answered_ns=round((at + 0.01) * SECOND),
        status=status,
        body=body,
        at_rest=at_rest,
    )


def silent(path: str, at: float = 0.0, *, at_rest: bool = False) -> LbAnswer:
    moment = round(at * SECOND)
    return LbAnswer(path=path, asked_ns=moment, answered_ns=moment, error="lost", at_rest=at_rest)


def log_sample(
    at: float,
    last_position: int = 0,
    primary: int = 0,
    replica: int = 0,
    *,
    oldest: float | None = None,
    refused: int = 0,
    unsettled: int = 0,
    lanes: int = 3,
    at_rest: bool = False,
) -> LogSample:
    """A look that takes 10 ms; `primary` and `replica` are what each still lacks."""
    return LogSample(
        asked_ns=round(at * SECOND),
        answered_ns=round((at + 0.01) * SECOND),
        is_log=True,
        entries=last_position,
        last_position=last_position,
        unsettled=unsettled,
        refused=refused,
        pending={"primary": primary, "replica": replica},
        applied={"primary": last_position - primary, "replica": last_position - replica},
        lanes={"primary": lanes, "replica": 3},
        oldest_pending_age_seconds=oldest,
        at_rest=at_rest,
    )


def fault(
    name: str, target: str, injected: float, healed: float, *, index: int = 0, seen: bool = True
) -> FaultWindow:
    return FaultWindow(
        index=index,
        fault=f"{name} {target}",
        target=target,
        injected_ns=round(injected * SECOND),
        effect_observed_ns=round(injected * SECOND) if seen else 0,
        healed_ns=round(healed * SECOND),
        heal_observed_ns=round(healed * SECOND),
    )

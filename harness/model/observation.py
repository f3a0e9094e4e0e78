"""Owns what the harness itself saw beside the clients: answers, samples, searches, endings.

Each is a record of the history, as it was seen: what it means is for checkers to say. All times
come from the run's monotonic clock, but those that a server wrote down itself.
"""

from typing import TypeVar

import msgspec


class LbAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="lb-answer"):
    """What the load balancer answered about itself, word for word; status 0 is no whole answer."""

    path: str
    asked_ns: int
    answered_ns: int
    status: int = 0
    body: str = ""
    error: str = ""
    at_rest: bool = False


class LogSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="log-sample"):
    """PostgreSQL in one snapshot, asked past the load balancer; `error` says why there is none.

    `is_log` tells whether it holds the log of our load balancer; without it only `connections`
    is known. `pending` and `applied` count log entries by instance, `lanes` those that it follows.
    """

    asked_ns: int
    answered_ns: int
    error: str = ""
    connections: int = 0
    is_log: bool = False
    entries: int = 0
    last_position: int = 0
    unsettled: int = 0
    refused: int = 0
    pending: dict[str, int] = {}
    applied: dict[str, int] = {}
    lanes: dict[str, int] = {}
    oldest_pending_age_seconds: float | None = None
    at_rest: bool = False


class LogRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="log-row"):
    """One entry of our load balancer's log as PostgreSQL held it at rest; status 0: no outcome."""

    position: int
    transaction_id: str
    collection: str
    kind: str
    logged_at: str
    settled_at: str = ""
    status: int = 0
    attempts: int = 0
    told_to_wait: bool = False
    applied_on: tuple[str, ...] = ()


class InstanceSample(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="instance-sample"
):
    """One collection as one instance held it during the run, read past the load balancer.

    `changed` has the tokens that differ from the sample before of the same collection there; an
    empty one is a document that is gone. `error` says why there is none.
    """

    instance: str
    asked_ns: int
    answered_ns: int
    collection: str = ""
    documents: int = 0
    changed: dict[str, str] = {}
    error: str = ""


class Search(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="search"):
    """One search at one instance at rest, and the truth by brute force over what it holds.

    `query` names the document whose embedding was searched for, or a random one. `distances` runs
    parallel to `found`: the exact distance, -1 for what the instance does not hold. `wanted`
    neighbours lie within `limit_distance`.
    """

    instance: str
    collection: str
    query: str
    found: tuple[str, ...] = ()
    distances: tuple[float, ...] = ()
    wanted: int = 0
    limit_distance: float = 0.0
    error: str = ""


class Repeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="repeat"):
    """A write sent again, the same to the byte and under the same transaction id.

    It is no operation: a load balancer that keeps its promise lets it have no effect. `repeats` is
    the first one's name; `first_body` and `body` are the beginnings of both answers.
    """

    repeats: str
    process: str
    transaction_id: str
    invoked_ns: int
    completed_ns: int
    first_status: int
    first_body: str = ""
    status: int = 0
    body: str = ""
    error: str = ""


class ServerEnding(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="server-ending"
):
    """A server that ended although no fault had it, as it was last seen alive, and its new start.

    `ending` is its exit code or the signal; `answered_ns` is 0 where the start failed, which
    `error` explains and which is then tried, and recorded, again.
    """

    server: str
    alive_ns: int
    ending: str
    answered_ns: int = 0
    error: str = ""


Observation = LbAnswer | LogSample | LogRow | InstanceSample | Search | Repeat | ServerEnding
ObservationT = TypeVar(
    "ObservationT", LbAnswer, LogSample, LogRow, InstanceSample, Search, Repeat, ServerEnding
)

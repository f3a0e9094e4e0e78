"""What a load generator is told to do, and what it measured."""

from enum import StrEnum

import msgspec

from bench.requests import DIMENSION


class Sort(StrEnum):
    """What is sent."""

    ADD = "add"
    QUERY = "query"
    GET = "get"


class Order(msgspec.Struct, frozen=True):
    """What to send, by how many clients, and for how long.

    What is answered after `warmup_seconds`, for `window_seconds` from then on, is measured. With a
    `count` the loop ends when so many requests were answered. `retries` lets a client that gets a
    503 try the same request again, after the time that it was told.
    """

    port: int
    sort: Sort
    collections: tuple[str, ...]
    clients: int
    warmup_seconds: float = 0.0
    window_seconds: float = 60.0
    count: int | None = None
    documents_per_request: int = 1
    dimension: int = DIMENSION
    prefix: str = "document"
    seed: int = 1
    retries: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What was measured: latencies in milliseconds, of answers that are a success.

    `failed` counts other answers and broken connections, `refused` what was tried again after a 503
    or a broken connection. `cpu_share` is what the generator itself took of one core.
    """

    completed: int
    failed: int
    refused: int
    seconds: float
    cpu_share: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        """Successes per second."""
        return self.completed / self.seconds if self.seconds else 0.0

"""Figures that are noted when something happens: durations and sizes of requests and windows.

What can be read at any moment is not here: `status` and `metrics` read it where it lives.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Histogram

from lb.instances import Fleet
from lb.recent import Recent, Spread

PREFIX = "chroma_lb"
REQUEST_BUCKETS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.5, 1.0, 5.0)
LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
ENTRY_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

STATUS_CLASSES = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


class RequestKind(StrEnum):
    """What a client's request was, as far as it was understood."""

    READ = "read"
    WRITE = "write"


class Figures:
    """Takes notes at the moment of each event; a note costs a few microseconds.

    Histograms count since the start of the process; `Recent` answers for the last minute.
    """

    def __init__(self, instances: Sequence[str], clock: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        requests = self._histogram(
            "request_seconds",
            "From the first look at a request to its answer",
            REQUEST_BUCKETS,
            "kind",
            "status",
        )
        self._requests = {
            (kind, number): requests.labels(kind.value, name)
            for kind in RequestKind
            for number, name in STATUS_CLASSES.items()
        }
        self._commits = self._histogram(
            "commit_seconds", "One commit of the log, with what it writes", COMMIT_BUCKETS
        )
        self._commit_entries = self._histogram(
            "commit_entries", "New entries in one commit of the log", (0, *ENTRY_BUCKETS)
        )
        self._applies = self._by_instance(
            instances, "apply_seconds", "One request to an instance, with its answer", LAG_BUCKETS
        )
        self._windows = self._by_instance(
            instances, "window_entries", "Entries in one request to an instance", ENTRY_BUCKETS
        )
        self._lags = self._by_instance(
            instances, "replication_seconds", "From an entry's logging to its applying", LAG_BUCKETS
        )
        self.recent_requests = {kind: Recent(clock) for kind in RequestKind}
        self._recent_lags = {name: Recent(clock) for name in instances}

    def watch(self, fleet: Fleet) -> None:
        """Take notes of what each instance tells."""
        for instance in fleet:
            instance.on_window = partial(self.note_window, instance.name)
            instance.on_replicated = partial(self.note_replicated, instance.name)

    def note_request(self, kind: RequestKind, status: int, seconds: float) -> None:
        """Note that a client's request was answered."""
        # An instance could answer any number; a note must never fail.
        self._requests[kind, min(5, max(2, status // 100))].observe(seconds)
        self.recent_requests[kind].note(seconds)

    def note_commit(self, seconds: float, entries: int) -> None:
        """Note a commit of the log and how many new entries it made durable."""
        self._commits.observe(seconds)
        self._commit_entries.observe(entries)

    def note_window(self, instance: str, entries: int, seconds: float) -> None:
        """Note that an instance gave a definite answer to a request with that many entries."""
        self._windows[instance].observe(entries)
        self._applies[instance].observe(seconds)

    def note_replicated(self, instance: str, lag_seconds: float) -> None:
        """Note how old an entry was when an instance had applied it."""
        self._lags[instance].observe(lag_seconds)
        self._recent_lags[instance].note(lag_seconds)

    def throughput(self) -> dict[str, float]:
        """Return how many requests a second were answered in the last ten."""
        reads, writes = (self.recent_requests[kind].per_second() for kind in RequestKind)
        return {
            "requests_per_second": round(reads + writes, 1),
            "reads_per_second": round(reads, 1),
            "writes_per_second": round(writes, 1),
        }

    def latency(self) -> dict[str, dict[str, Any]]:
        """Return how long reads and writes took in the last minute, in seconds."""
        return {
            kind.value: as_seconds(recent.spread(0.5, 0.95, 0.99), "p50", "p95", "p99")
            for kind, recent in self.recent_requests.items()
        }

    def replication(self, instance: str) -> dict[str, Any]:
        """Return how old entries were when applied there, over the last minute, in seconds."""
        return as_seconds(self._recent_lags[instance].spread(0.5, 0.95), "p50", "p95")

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _by_instance(
        self, instances: Sequence[str], name: str, text: str, buckets: Sequence[float]
    ) -> dict[str, Histogram]:
        """Bind the label now, so that a note looks nothing up but the name."""
        histogram = self._histogram(name, text, buckets, "instance")
        return {instance: histogram.labels(instance) for instance in instances}


def as_seconds(spread: Spread, *names: str) -> dict[str, Any]:
    """Describe a spread, rounded to the tenth of a millisecond; null where nothing happened."""
    found = {**dict(zip(names, spread.percentiles, strict=True)), "max": spread.worst}
    rounded = {name: None if value is None else round(value, 4) for name, value in found.items()}
    return {"count": spread.count, **rounded}

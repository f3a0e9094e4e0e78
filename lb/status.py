"""What the load balancer says of itself: JSON endpoints and Prometheus metrics, one source each."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lb.budget import BodyBudget
from lb.comparer import Comparer
from lb.instances import Fleet, Instance, State
from lb.log_tail import LogTail
from lb.model import CollectionState
from lb.pressure import Pressure
from lb.proxy import Proxy
from lb.pruner import LogSize, Pruner
from lb.quarantine import Quarantine
from lb.rebuilder import Rebuilder
from lb.transaction_figures import TransactionFigures
from lb.wal import Wal


@dataclass
class Status:
    """Figures read at the moment they are asked for; nothing is kept or estimated."""

    version: str
    fleet: Fleet
    wal: Wal
    proxy: Proxy
    uptime_seconds: Callable[[], float]
    tail: LogTail
    pressure: Pressure
    budget: BodyBudget
    is_active: bool = False
    comparer: Comparer | None = None
    rebuilders: dict[str, Rebuilder] = field(default_factory=dict)
    pruner: Pruner | None = None
    quarantine: Quarantine | None = None

    def __post_init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self.transactions = TransactionFigures(lambda: self.tail)

    @property
    def role(self) -> str:
        """Whether this load balancer is the active one."""
        return "active" if self.is_active else "standby"

    def health(self) -> tuple[int, dict[str, Any]]:
        """Say whether requests can be served now: 200 or 503."""
        healthy = self.fleet.healthy
        ok = not self.is_active or (healthy > 0 and self.wal.is_available)
        body = {
            "status": "ok" if ok else "degraded",
            "role": self.role,
            "log_available": self.wal.is_available,
            "healthy_instances": healthy,
        }
        return (200 if ok else 503), body

    def status(self) -> dict[str, Any]:
        """Describe the whole."""
        memory = self._process.memory_info().rss
        return {
            "version": self.version,
            "role": self.role,
            "uptime_seconds": round(self.uptime_seconds(), 3),
            "healthy_instances": self.fleet.healthy,
            "instances": self.instances(),
            "collections": self.mappings()["count"],
            "log": self.wal_status(),
            "comparison": self.comparison(),
            "transactions": self.transactions.describe(),
            "requests": {
                "in_flight": self.proxy.in_flight,
                "served": self.proxy.served,
                "server_errors": self.proxy.failed,
            },
            "memory": self.memory(),
            "process": {
                "rss_bytes": memory,
                "cpu_percent": self._process.cpu_percent(),
                "cpu_seconds": round(sum(self._process.cpu_times()[:2]), 3),
            },
        }

    def memory(self) -> dict[str, Any]:
        """Describe what memory allows at this moment, and the bodies that are in it."""
        return {**self.pressure.figures(), **self.budget.figures()}

    def comparison(self) -> dict[str, Any]:
        """Describe what comparisons between instances have found since the start."""
        if self.comparer is None:
            return {}
        return {"doubted": self.comparer.doubted, **asdict(self.comparer.figures)}

    def instances(self) -> list[dict[str, Any]]:
        """Describe each instance, in configured order."""
        return [self._instance(instance) for instance in self.fleet]

    def _instance(self, instance: Instance) -> dict[str, Any]:
        return {
            "name": instance.name,
            "url": instance.url,
            "state": instance.state.value,
            "healthy": instance.is_serving,
            "cause": instance.cause,
            "since": instance.since.isoformat(),
            "transitions": instance.transitions,
            "forced": instance.forced.healthy if instance.forced else None,
            "forced_seconds_left": round(instance.forced_seconds_left, 3),
            "pending_entries": self.tail.backlog(instance.name),
            "outstanding_reads": instance.outstanding_reads,
            "last_error": instance.last_error,
            "rebuild": self._rebuild(instance.name),
        }

    def _rebuild(self, name: str) -> dict[str, Any] | None:
        """Describe how far an instance is that gets copies; only the active one knows."""
        return self.rebuilders[name].figures() if name in self.rebuilders else None

    def wal_status(self) -> dict[str, Any]:
        """Describe the log: what each instance still has to apply, and how applying went."""
        oldest = self.tail.oldest()
        age = (datetime.now(UTC) - oldest.logged_at).total_seconds() if oldest else 0.0
        return {
            "available": self.wal.is_available,
            "lead_confirmed": self.wal.is_lead_confirmed,
            "last_position": self.tail.end,
            "pending_entries": {name: self.tail.backlog(name) for name in self.fleet.names},
            "oldest_pending_age_seconds": round(age, 3),
            "successful_syncs": sum(i.successful_syncs for i in self.fleet),
            "failed_syncs": sum(i.failed_syncs for i in self.fleet),
            "sync_cycles": sum(i.sync_cycles for i in self.fleet),
            "appended": self.wal.appended,
            "commits": self.wal.commits,
            "waiting_for_commit": self.wal.waiting,
            "unsettled_entries": len(self.tail.unsettled),
            **(self.pruner.figures() if self.pruner else asdict(LogSize())),
            "quarantined": len(self.quarantine) if self.quarantine else 0,
        }

    def mappings(self) -> dict[str, Any]:
        """List every collection that clients see, with its UUID on each instance."""
        collections = [
            {
                "collection_id": str(c.id),
                "name": c.name.name,
                "tenant": c.name.tenant,
                "database": c.name.database,
                "state": c.state.value,
                "uuids": {name: str(uuid) for name, uuid in c.uuids.items()},
                "complete": set(c.uuids) == set(self.fleet.names),
            }
            for c in self.tail.catalogue
            if c.state in (CollectionState.CREATING, CollectionState.ACTIVE)
        ]
        return {"count": len(collections), "mappings": collections}

    def metrics(self) -> bytes:
        """Write the figures in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Figures(self))
        return generate_latest(registry)


class _Figures(Collector):
    """The figures of `/status` as Prometheus metrics."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status.status()
        log, requests, process = status["log"], status["requests"], status["process"]
        yield from self._instances()
        yield from self._transactions(status["transactions"])
        for name, text, value in (
            ("healthy_instances", "Instances that take requests", status["healthy_instances"]),
            ("active", "1 when this load balancer is the active one", status["role"] == "active"),
            ("log_available", "1 when the log can be written", log["available"]),
            ("log_bodies", "Entries whose body is kept", log["entries_with_body"]),
            ("log_body_bytes", "Bytes of the bodies that are kept", log["body_bytes"]),
            ("log_table_bytes", "Bytes of the log on disk", log["table_bytes"]),
            ("unsettled_entries", "Entries without an outcome", log["unsettled_entries"]),
            (
                "oldest_pending_age_seconds",
                "Age of the oldest entry that an instance lacks",
                log["oldest_pending_age_seconds"],
            ),
            ("waiting_for_commit", "Appends and notes queued", log["waiting_for_commit"]),
            ("quarantined_entries", "Writes that wait for an administrator", log["quarantined"]),
            ("collections", "Collections in the catalogue", status["collections"]),
            ("requests_in_flight", "Requests being served", requests["in_flight"]),
            ("memory_rss_bytes", "Resident memory of the process", process["rss_bytes"]),
        ):
            yield GaugeMetricFamily(f"chroma_lb_{name}", text, value=float(value))
        for name, text, value in (
            ("entries_appended", "Entries committed to the log", log["appended"]),
            ("commits", "Commits of the log", log["commits"]),
            ("pruned_bodies", "Bodies removed from the log", log["pruned_bodies"]),
            ("pruned_entries", "Entries removed from the log", log["pruned_entries"]),
            ("requests", "Requests answered", requests["served"]),
            ("server_errors", "Requests answered with a 5xx", requests["server_errors"]),
            ("cpu_seconds", "Processor time of the process", process["cpu_seconds"]),
        ):
            yield CounterMetricFamily(f"chroma_lb_{name}", text, value=float(value))

    def _transactions(self, figures: dict[str, Any]) -> Iterator[Metric]:
        states = GaugeMetricFamily(
            "chroma_lb_transactions", "Transactions since the start, by state", labels=["state"]
        )
        for state, count in figures["by_state"].items():
            states.add_metric([state], count)
        seconds = GaugeMetricFamily(
            "chroma_lb_recovery_seconds", "From logged to recovered", labels=["statistic"]
        )
        for statistic, value in figures["recovery_seconds"].items():
            if value is not None:
                seconds.add_metric([statistic], value)
        yield from (states, seconds)

    def _instances(self) -> Iterator[Metric]:
        fleet, tail = self._status.fleet, self._status.tail
        pending = GaugeMetricFamily(
            "chroma_lb_pending_entries", "Entries not applied yet", labels=["instance"]
        )
        state = GaugeMetricFamily(
            "chroma_lb_instance_state", "1 for the current state", labels=["instance", "state"]
        )
        syncs = CounterMetricFamily(
            "chroma_lb_syncs", "Entries sent, by outcome", labels=["instance", "outcome"]
        )
        missing = GaugeMetricFamily(
            "chroma_lb_collections_to_copy",
            "Collections that an instance lacks and gets a copy of",
            labels=["instance"],
        )
        for instance in fleet:
            missing.add_metric([instance.name], sum(1 for _ in tail.outside(instance.name)))
            pending.add_metric([instance.name], tail.backlog(instance.name))
            for each in State:
                state.add_metric([instance.name, each.value], float(instance.state is each))
            syncs.add_metric([instance.name, "successful"], instance.successful_syncs)
            syncs.add_metric([instance.name, "failed"], instance.failed_syncs)
        yield from (pending, state, syncs, missing)

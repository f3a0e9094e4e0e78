"""What the load balancer says of itself: every figure of `/status`, `/wal/status` and the page.

`metrics` writes the same figures for Prometheus, and adds histograms.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil

from lb.budget import BodyBudget
from lb.comparer import Comparer
from lb.figures import Figures, RequestKind
from lb.guard import LogGuard
from lb.instances import Fleet, Instance
from lb.log_tail import LogTail
from lb.model import CollectionState
from lb.pressure import Pressure
from lb.proxy import Proxy
from lb.pruner import LogSize, Pruner
from lb.quarantine import Quarantine
from lb.rebuilder import Rebuilder
from lb.transaction_figures import TransactionFigures
from lb.transitions import Transitions
from lb.wal import Wal

SHOWN = (CollectionState.CREATING, CollectionState.ACTIVE)
"""The states of the collections that clients see."""


@dataclass
class Status:
    """Figures read at the moment they are asked for.

    Only durations and transitions are kept, for a minute or two; percentiles are exact to 1 %.
    """

    version: str
    commit: str
    fleet: Fleet
    wal: Wal
    proxy: Proxy
    uptime_seconds: Callable[[], float]
    tail: LogTail
    figures: Figures
    transitions: Transitions
    pressure: Pressure
    budget: BodyBudget
    is_active: bool = False
    comparer: Comparer | None = None
    rebuilders: dict[str, Rebuilder] = field(default_factory=dict)
    pruner: Pruner | None = None
    quarantine: Quarantine | None = None
    guard: LogGuard | None = None

    def __post_init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self.transactions = TransactionFigures(lambda: self.tail)

    @property
    def role(self) -> str:
        """Whether this load balancer is the active one."""
        return "active" if self.is_active else "standby"

    def health(self) -> tuple[int, dict[str, Any]]:
        """Say whether it is of use to send requests here: 200 or 503.

        Without PostgreSQL it still reads; without instances it still logs writes, and tells their
        clients so. Who is taken out of the way of clients, or restarted, does neither.
        """
        healthy, can_log = self.fleet.healthy, self.wal.is_available
        status = "ok"
        if self.is_active and not (healthy and can_log):
            status = "degraded" if healthy or can_log else "unavailable"
        if self.guard is not None and self.guard.conflict:
            status = "unavailable"
        body = {
            "status": status,
            "role": self.role,
            "log_available": can_log,
            "healthy_instances": healthy,
        }
        return (503 if status == "unavailable" else 200), body

    def status(self) -> dict[str, Any]:
        """Describe the whole."""
        memory = self._process.memory_info().rss
        return {
            "generated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "version": self.version,
            "commit": self.commit,
            "role": self.role,
            "uptime_seconds": round(self.uptime_seconds(), 3),
            "healthy_instances": self.fleet.healthy,
            "instances": self.instances(),
            "collections": sum(c.state in SHOWN for c in self.tail.catalogue),
            "log": self.wal_status(),
            "identity": self.guard.describe() if self.guard else None,
            "comparison": self.comparison(),
            "transactions": self.transactions.describe(),
            "requests": {
                "in_flight": self.proxy.in_flight,
                "served": self.proxy.served,
                "server_errors": self.proxy.failed,
            },
            "throughput": self.figures.throughput(),
            "latency_seconds": self.figures.latency(),
            "last_transitions": self.transitions.describe(),
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
            "since": instance.since.isoformat(timespec="milliseconds"),
            "transitions": instance.transitions,
            "forced": instance.forced.healthy if instance.forced else None,
            "forced_seconds_left": round(instance.forced_seconds_left, 3),
            "pending_entries": self.tail.backlog(instance.name),
            "lag_seconds": round(self.lag_seconds(instance.name), 3),
            "replication_seconds": self.figures.replication(instance.name),
            "outstanding_reads": instance.outstanding_reads,
            "last_error": instance.last_error,
            "rebuild": self._rebuild(instance.name),
        }

    def _rebuild(self, name: str) -> dict[str, Any] | None:
        """Describe how far an instance is that gets copies; only the active one knows."""
        return self.rebuilders[name].figures() if name in self.rebuilders else None

    def lag_seconds(self, instance: str) -> float:
        """Return the age of the oldest entry that the instance has not applied; 0 without one."""
        heads = (lane.lane.next_entry(instance) for lane in self.tail.lagging(instance))
        oldest = min((head.logged_at for head in heads if head is not None), default=None)
        return max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0

    def history(self) -> dict[str, Any]:
        """Return what each second of the last two minutes was like, the oldest first."""
        recent = self.figures.recent_requests
        reads, read_times = recent[RequestKind.READ].history(0.95)
        writes, write_times = recent[RequestKind.WRITE].history(0.95)
        return {
            "reads": reads,
            "writes": writes,
            "read_p95_seconds": rounded(read_times),
            "write_p95_seconds": rounded(write_times),
        }

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
            if c.state in SHOWN
        ]
        return {"count": len(collections), "mappings": collections}


def rounded(times: list[float | None]) -> list[float | None]:
    """Round durations to the tenth of a millisecond."""
    return [None if each is None else round(each, 4) for each in times]

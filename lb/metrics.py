"""The figures of `/status` for Prometheus, read when it asks, and the histograms of `figures`."""

from collections.abc import Iterator
from typing import Any

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lb.instances import State
from lb.status import Status

# When a series began is of no use here: all began with the process.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


def metrics_text(status: Status) -> bytes:
    """Return all figures as they are now, in Prometheus' text format."""
    readings = prometheus_client.CollectorRegistry()
    readings.register(_Readings(status))
    return b"".join(
        prometheus_client.generate_latest(registry)
        for registry in (readings, status.figures.registry)
    )


class _Readings(Collector):
    """The figures of `/status` as Prometheus metrics."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status.status()
        log, requests, process = status["log"], status["requests"], status["process"]
        memory = status["memory"]
        yield from self._instances()
        yield from self._transactions(status["transactions"])
        for name, text, value in (
            ("healthy_instances", "Instances that take requests", status["healthy_instances"]),
            ("active", "1 when this load balancer is the active one", status["role"] == "active"),
            ("log_available", "1 when the log can be written", log["available"]),
            (
                "log_conflict",
                "1 when the log is not the one that the instances were written from",
                bool(status["identity"] and status["identity"]["conflict"]),
            ),
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
            ("memory_rss_bytes", "Resident memory of the process", memory["rss_bytes"]),
            ("memory_limit_bytes", "Memory that the process may use", memory["limit_bytes"]),
            ("bodies_bytes", "Bytes of requests in memory", memory["bodies_bytes"]),
            ("waiting_for_memory", "Requests that wait for room", memory["waiting_for_budget"]),
        ):
            yield GaugeMetricFamily(f"chroma_lb_{name}", text, value=float(value))
        for name, text, value in (
            ("entries_appended", "Entries committed to the log", log["appended"]),
            ("commits", "Commits of the log", log["commits"]),
            ("pruned_bodies", "Bodies removed from the log", log["pruned_bodies"]),
            ("pruned_entries", "Entries removed from the log", log["pruned_entries"]),
            ("requests", "Requests answered", requests["served"]),
            ("refused_for_memory", "Requests without room", memory["refused_for_budget"]),
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
        lag = GaugeMetricFamily(
            "chroma_lb_lag_seconds",
            "Age of the oldest entry that an instance has not applied",
            labels=["instance"],
        )
        transitions = CounterMetricFamily(
            "chroma_lb_transitions", "Changes of an instance's state", labels=["instance"]
        )
        missing = GaugeMetricFamily(
            "chroma_lb_collections_to_copy",
            "Collections that an instance lacks and gets a copy of",
            labels=["instance"],
        )
        for instance in fleet:
            missing.add_metric([instance.name], sum(1 for _ in tail.outside(instance.name)))
            pending.add_metric([instance.name], tail.backlog(instance.name))
            lag.add_metric([instance.name], self._status.lag_seconds(instance.name))
            transitions.add_metric([instance.name], instance.transitions)
            for each in State:
                state.add_metric([instance.name, each.value], float(instance.state is each))
            syncs.add_metric([instance.name, "successful"], instance.successful_syncs)
            syncs.add_metric([instance.name, "failed"], instance.failed_syncs)
        yield from (pending, lag, state, transitions, syncs, missing)
        yield self._replication()

    def _replication(self) -> Metric:
        recent = GaugeMetricFamily(
            "chroma_lb_recent_replication_seconds",
            "From an entry's logging to its applying, over the last minute",
            labels=["instance", "statistic"],
        )
        for instance in self._status.fleet:
            figures = self._status.figures.replication(instance.name)
            for statistic in ("p50", "p95", "max"):
                if figures[statistic] is not None:
                    recent.add_metric([instance.name, statistic], figures[statistic])
        return recent

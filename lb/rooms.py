"""The rooms of an active load balancer: made from what the log holds, wired, and set to work.

What is here exists once the lock is held. Listening, the lock and the end are `app`'s.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from functools import partial

from lb.acknowledgement import Acknowledgement
from lb.adoption import Adoption
from lb.ailments import Ailments
from lb.applier import Applier
from lb.bounds import Bounds, LogBounds
from lb.canary import Canary, CollectionCanaries
from lb.canary_watch import CanaryWatch
from lb.catalogue import Collection
from lb.comparer import Comparer
from lb.config import Settings
from lb.delivery import Machinery
from lb.guard import LogGuard
from lb.health import HealthMonitor
from lb.instances import AWAY, Instance
from lb.late_requests import LateRequests
from lb.leader import Lead
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.lookups import Lookups
from lb.marks import LogIdentity
from lb.membership import Memberships
from lb.namespaces import Namespaces
from lb.pressure import Pressure
from lb.proxy import Service
from lb.pruner import Pruner
from lb.quarantine import Quarantine
from lb.reads import Reads
from lb.rebuilder import Rebuilder
from lb.repair import Repairs
from lb.transaction_log import TransactionLog
from lb.upstream import Upstream
from lb.wal import Wal
from lb.webhook import RecoveryWebhook
from lb.writes import Writes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Foundation:
    """What the rooms stand on; `tail` is what the log holds that is not applied everywhere."""

    settings: Settings
    clock: Callable[[], float]
    wal: Wal
    lead: Lead
    tail: LogTail
    reader: LogReader
    tasks: asyncio.TaskGroup
    pressure: Pressure
    identity: LogIdentity


class Rooms:
    """Everything that works while this load balancer is the active one."""

    def __init__(self, foundation: Foundation) -> None:
        self._on = on = foundation
        settings, tail = on.settings, on.tail
        self.upstreams = {
            instance.name: Upstream(instance, on.clock, settings.connect_timeout_seconds, on.lead)
            for instance in tail.fleet
        }
        self.comparer = Comparer(self.upstreams, tail, on.clock, settings.compare_interval_seconds)
        self._memberships = Memberships(tail, on.wal)
        self.guard = LogGuard(
            on.identity,
            self.upstreams,
            tail,
            on.wal,
            self._memberships,
            Namespaces(tail, on.reader),
            settings.probe_timeout_seconds,
        )
        self._ailments = Ailments(on.clock)
        self._canaries = CollectionCanaries(
            self.upstreams, on.clock, settings.probe_timeout_seconds
        )
        self.quarantine = Quarantine(
            tail, on.wal, on.clock, self.comparer.doubt, self._canaries.ask
        )
        self.adoption = Adoption(self.upstreams, tail, on.wal)
        self.repairs = Repairs(self.upstreams, tail, on.wal, self._memberships, self.comparer)
        limits = Bounds(
            settings.log_max_entries, settings.log_max_bytes, settings.log_max_age_seconds
        )
        self._bounds = LogBounds(tail, self._memberships, limits)
        self.pruner = Pruner(
            on.reader.pool, tail, settings.log_retention_seconds, settings.prune_interval_seconds
        )
        self.rebuilders = {name: self._rebuilder(name) for name in tail.fleet.names}
        self.appliers: list[Applier] = []

    async def look_at_marks(self) -> None:
        """Return when it is known whether the log is the instances', as far as they answer."""
        self._spawn(self.guard.look_at_all(), "first look at marks")
        await self.guard.has_looked.wait()

    def start(self, *, is_barrier_needed: bool) -> None:
        """Let everything work. A predecessor that crashed may have left requests in flight."""
        machinery = self._machinery()
        for name in self._on.tail.fleet.names:
            self._drive(name, machinery)
        self._doubt_what_was_in_flight()
        if is_barrier_needed:
            for applier in self.appliers:
                applier.raise_barrier()
        self._spawn(self.quarantine.run(), "quarantine")
        self._spawn(self.comparer.run(), "comparer")
        self._spawn(self.adoption.run(), "adoption")
        self._spawn(self._bounds.run(), "bounds of the log")
        self._spawn(self.guard.run(self._on.settings.take_over_from_log), "guard of the log")
        self._spawn(self.pruner.run(), "pruner")
        for name, rebuilder in self.rebuilders.items():
            self._spawn(rebuilder.run(), f"rebuilder of {name}")
        if self._on.settings.recovery_webhook_url:
            webhook = RecoveryWebhook(self._on.settings.recovery_webhook_url, self._on.reader)
            self._spawn(webhook.run(), "webhook")
        self._on.tail.on_change = self._poke
        self._on.wal.delivering = self._on.tail.gathering
        self._on.tail.on_freed = self._poke_all
        self._on.lead.on_confirmed = self._poke_all

    def service(self) -> Service:
        """Return what serves clients."""
        on, settings = self._on, self._on.settings
        reads = Reads(
            self.upstreams,
            on.tail,
            on.clock,
            settings.read_timeout_seconds,
            settings.hedge_max_seconds,
        )
        is_strong = settings.read_consistency == "strong"
        lookups = Lookups(on.tail, reads, self._ailments, is_strong=is_strong)
        writes = Writes(
            on.tail,
            on.wal,
            on.reader,
            lookups,
            Acknowledgement(on.tail, of_all=settings.write_ack == "all"),
            settings.write_timeout_seconds,
            settings.protected_names,
            self._bounds.check_room,
        )
        return Service(writes, lookups, TransactionLog(on.tail, on.reader), self.guard.check_log)

    def stop(self) -> None:
        """Send nothing more; what was sent may still be answered."""
        for applier in self.appliers:
            applier.stop()

    async def close(self) -> None:
        """Close all connections to instances."""
        for upstream in self.upstreams.values():
            await upstream.close()

    def _machinery(self) -> Machinery:
        on = self._on
        return Machinery(
            on.tail,
            on.wal,
            on.reader,
            self._spawn,
            on.clock,
            on.settings.hedge_max_seconds,
            self.comparer.doubt,
            on.lead,
            self.quarantine,
            self._ailments,
            on.pressure.window_limits,
            is_follower_paced=on.settings.write_ack == "first",
        )

    def _rebuilder(self, name: str) -> Rebuilder:
        on = self._on
        return Rebuilder(
            name,
            self.upstreams,
            on.tail,
            on.reader,
            self._memberships,
            self.comparer,
            self._ailments,
            on.clock,
        )

    def _drive(self, name: str, machinery: Machinery) -> None:
        """Give one instance its applier, and watch its health and its unanswered writes."""
        on, settings, upstream = self._on, self._on.settings, self.upstreams[name]
        late = LateRequests(
            upstream,
            Canary(upstream, on.clock, settings.probe_timeout_seconds),
            on.clock,
            settings.late_silence_seconds,
            settings.late_settle_seconds,
        )
        watch = CanaryWatch(
            upstream.instance,
            Canary(upstream, on.clock, settings.probe_timeout_seconds),
            on.clock,
            settings.canary_interval_seconds,
            self.quarantine.note_canary,
        )
        monitor = HealthMonitor(
            upstream,
            settings.probe_interval_seconds,
            settings.probe_timeout_seconds,
            log_end=lambda: on.tail.end,
            is_behind=on.tail.is_incomplete,
            before_service=partial(self._look_before_service, watch, upstream.instance),
        )
        self.appliers.append(Applier(upstream, machinery, late.settled))
        upstream.instance.on_change = self._on_instance
        self._spawn(monitor.run(), f"health of {name}")
        self._spawn(watch.run(), f"canary of {name}")
        self._spawn(late.run(), f"late requests of {name}")

    async def _look_before_service(self, watch: CanaryWatch, instance: Instance) -> None:
        await self.guard.check(instance.name)
        if instance.state in AWAY and not instance.is_refused:
            await watch.look_before_service()

    def _doubt_what_was_in_flight(self) -> None:
        for collection in self._on.tail.unfinished():
            for name, queue in collection.lane.queues.items():
                if queue:
                    self.comparer.doubt(collection, name)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        # Not in the context of whoever was there when it began: log lines would name a request
        # that has nothing to do with it.
        self._on.tasks.create_task(work, name=name, context=Context())

    def _poke(self, collection: Collection) -> None:
        for applier in self.appliers:
            applier.poke(collection)

    def _poke_all(self) -> None:
        for applier in self.appliers:
            applier.poke_all()

    def _on_instance(self, instance: Instance) -> None:
        log.warning("%s is %s: %s", instance.name, instance.state, instance.cause)
        self._ailments.crashes.note_state(instance)
        self._poke_all()
        self._on.tail.notify()

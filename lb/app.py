"""The running load balancer: wires the rooms together, and starts and stops them in order."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Any

import asyncpg
from aiohttp import web

from lb import openapi
from lb.access import Access
from lb.adoption import Adoption
from lb.applier import Applier, Machinery
from lb.bounds import Bounds, LogBounds
from lb.canary import Canary, CollectionCanaries
from lb.canary_watch import CanaryWatch
from lb.catalogue import Catalogue, Collection
from lb.comparer import Comparer
from lb.config import Settings
from lb.database import CONNECTION_ERRORS, Database, migrate, queries
from lb.endpoints import Endpoints
from lb.health import HealthMonitor
from lb.instances import Fleet, Instance
from lb.late_requests import LateRequests
from lb.leader import Lead, take_lead
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.lookups import Lookups
from lb.mapping_endpoints import MappingEndpoints
from lb.membership import Memberships
from lb.proxy import Proxy, Service, refuse_old_api
from lb.pruner import Pruner
from lb.quarantine import Quarantine
from lb.quarantine_endpoints import QuarantineEndpoints
from lb.reads import Reads
from lb.rebuilder import Rebuilder
from lb.recovery import recover
from lb.repair import Repairs
from lb.repair_endpoints import RepairEndpoints
from lb.status import Status
from lb.transaction_endpoints import TransactionEndpoints
from lb.transaction_log import TransactionLog
from lb.upstream import Upstream
from lb.wal import Wal
from lb.webhook import RecoveryWebhook
from lb.writes import Writes

log = logging.getLogger(__name__)

CONNECT_RETRY_SECONDS = 0.2


class LoadBalancer:
    """One process. Listens at once; serves clients from the moment that it holds the lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = time.monotonic
        self._started = self._clock()
        self._database = Database.at(settings.database_url, settings.postgres_timeout_seconds)
        self._fleet = Fleet(settings.instance_urls, self._clock)
        self._lead = Lead(self._clock, settings.lead_confirm_seconds)
        self._wal = Wal(self._database, self._lead, self._clock)
        self._proxy = Proxy(settings.max_body_bytes, settings.standby_hold_seconds)
        self._tail = LogTail(self._fleet, Catalogue(self._fleet.names))
        self._status = Status(
            version=version("chroma-chaos"),
            fleet=self._fleet,
            wal=self._wal,
            proxy=self._proxy,
            uptime_seconds=lambda: self._clock() - self._started,
            tail=self._tail,
        )
        self._mapping_endpoints = MappingEndpoints(self._fleet.names)
        self._repair_endpoints = RepairEndpoints()
        self._quarantine_endpoints = QuarantineEndpoints()
        self._appliers: list[Applier] = []
        self._upstreams: dict[str, Upstream] = {}
        self._runner: web.AppRunner | None = None
        self._is_barrier_needed = True
        self._ended_cleanly = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. A task that dies unexpectedly ends everything."""
        await self._listen()
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(self._serve(tasks), name="serve")
                await stop.wait()
                await self._drain()
                serving.cancel()
                end_group(tasks)
        except* _StopRequest:
            log.info("stopped")
        finally:
            await self._close()

    async def _listen(self) -> None:
        access = Access(
            self._settings.admin_token,
            self._settings.client_token,
        )
        app = web.Application(middlewares=[access.middleware])
        more = (self._mapping_endpoints, self._repair_endpoints, self._quarantine_endpoints)
        app.add_routes(own_routes(self._status, self._proxy, *more))
        app.router.add_route("*", "/api/v2/{below:.*}", self._proxy.handle)
        app.router.add_route("*", "/api/v2", self._proxy.handle)
        app.router.add_route("*", "/api/v1/{below:.*}", refuse_old_api)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            handler_cancellation=False,
            shutdown_timeout=self._settings.shutdown_seconds,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        log.info("listening on %s:%s", self._settings.host, self._settings.port)

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        reader, epoch = await self._become_active()
        tasks.create_task(self._wal.run(), name="log")
        self._wire(self._tail, reader, tasks)
        log.info("active, epoch %s, %s entries to apply", epoch, len(self._tail))
        try:
            await asyncio.Event().wait()
        finally:
            await reader.close()

    async def _become_active(self) -> tuple[LogReader, int]:
        """Connect, migrate, wait for the lock and read the log, however long it takes."""
        while True:
            try:
                connection = await self._database.connect()
                try:
                    return await self._activate(connection)
                except BaseException:
                    connection.terminate()
                    raise
            except CONNECTION_ERRORS as error:
                log.warning("waiting for PostgreSQL: %s: %s", type(error).__name__, error)
                await asyncio.sleep(CONNECT_RETRY_SECONDS)

    async def _activate(self, connection: "asyncpg.Connection[Any]") -> tuple[LogReader, int]:
        for migration in await migrate(connection):
            log.info("schema version %s: %s", migration.version, migration.name)
        await take_lead(connection, self._database.application_name)
        row = await queries.next_epoch(connection)
        tail = await recover(connection, self._fleet, self._clock())
        reader = await LogReader.open(self._database)
        self._tail = tail
        self._wal.adopt(connection, row["epoch"], tail.end)
        self._is_barrier_needed = not row["predecessor_ended_cleanly"]
        return reader, row["epoch"]

    def _wire(self, tail: LogTail, reader: LogReader, tasks: asyncio.TaskGroup) -> None:
        """Make the rooms know each other, then let them work and clients in."""
        settings = self._settings

        def spawn(work: Coroutine[None, None, None], name: str) -> None:
            tasks.create_task(work, name=name)

        for instance in self._fleet:
            upstream = Upstream(instance, self._clock, settings.connect_timeout_seconds, self._lead)
            self._upstreams[instance.name] = upstream
        comparer = Comparer(self._upstreams, tail, self._clock, settings.compare_interval_seconds)
        memberships = Memberships(tail, self._wal)
        canaries = CollectionCanaries(self._upstreams, self._clock, settings.probe_timeout_seconds)
        quarantine = Quarantine(tail, self._wal, self._clock, comparer.doubt, canaries.ask)
        tasks.create_task(quarantine.run(), name="quarantine")
        self._status.quarantine = self._quarantine_endpoints.quarantine = quarantine
        machinery = Machinery(
            tail,
            self._wal,
            reader,
            spawn,
            self._clock,
            settings.hedge_max_seconds,
            comparer.doubt,
            self._lead,
            quarantine,
        )
        for name in self._fleet.names:
            self._drive(name, machinery, tasks)
        for collection in tail.unfinished():
            for name, queue in collection.lane.queues.items():
                if queue:
                    comparer.doubt(collection, name)
        if self._is_barrier_needed:
            for applier in self._appliers:
                applier.raise_barrier()
        tasks.create_task(comparer.run(), name="comparer")
        adoption = Adoption(self._upstreams, tail, self._wal)
        tasks.create_task(adoption.run(), name="adoption")
        self._mapping_endpoints.adoption = adoption
        self._repair_endpoints.repairs = Repairs(
            self._upstreams, tail, self._wal, memberships, comparer
        )
        bounds = self._keep_bounded(tail, reader, memberships, comparer, tasks)
        self._status.comparer = comparer
        tail.on_change = self._poke
        tail.on_freed = self._poke_all
        self._lead.on_confirmed = self._poke_all
        tail.on_settled = self._status.transactions.note
        self._status.tail, self._status.is_active = tail, True
        reads = Reads(
            self._upstreams,
            tail,
            self._clock,
            settings.read_timeout_seconds,
            settings.hedge_max_seconds,
        )
        is_strong = settings.read_consistency == "strong"
        lookups = Lookups(tail, reads, is_strong=is_strong)
        writes = Writes(
            tail,
            self._wal,
            reader,
            lookups,
            settings.write_timeout_seconds,
            settings.protected_names,
            bounds.check_room,
        )
        if settings.recovery_webhook_url:
            webhook = RecoveryWebhook(settings.recovery_webhook_url, reader)
            tasks.create_task(webhook.run(), name="webhook")
        self._proxy.activate(Service(writes, lookups, TransactionLog(tail, reader)))

    def _keep_bounded(
        self,
        tail: LogTail,
        reader: LogReader,
        memberships: Memberships,
        comparer: Comparer,
        tasks: asyncio.TaskGroup,
    ) -> LogBounds:
        """Bound the log, prune it, and rebuild instances that it does not wait for."""
        settings = self._settings
        limits = Bounds(
            settings.log_max_entries, settings.log_max_bytes, settings.log_max_age_seconds
        )
        bounds = LogBounds(tail, memberships, limits)
        tasks.create_task(bounds.run(), name="bounds of the log")
        pruner = Pruner(
            reader.pool, tail, settings.log_retention_seconds, settings.prune_interval_seconds
        )
        tasks.create_task(pruner.run(), name="pruner")
        self._status.pruner = pruner
        for name in self._fleet.names:
            rebuilder = Rebuilder(
                name,
                self._upstreams,
                tail,
                reader,
                memberships,
                comparer,
                self._clock,
            )
            tasks.create_task(rebuilder.run(), name=f"rebuilder of {name}")
            self._status.rebuilders[name] = rebuilder
        return bounds

    def _drive(self, name: str, machinery: Machinery, tasks: asyncio.TaskGroup) -> None:
        """Give one instance its applier, and watch its health and its unanswered writes."""
        settings, upstream = self._settings, self._upstreams[name]
        late = LateRequests(
            upstream,
            Canary(upstream, self._clock, settings.probe_timeout_seconds),
            self._clock,
            settings.late_silence_seconds,
            settings.late_settle_seconds,
        )
        watch = CanaryWatch(
            upstream.instance,
            Canary(upstream, self._clock, settings.probe_timeout_seconds),
            self._clock,
            settings.canary_interval_seconds,
            machinery.quarantine.note_canary,
        )
        monitor = HealthMonitor(
            upstream,
            settings.probe_interval_seconds,
            settings.probe_timeout_seconds,
            log_end=lambda: machinery.tail.end,
            is_behind=machinery.tail.is_incomplete,
            before_service=watch.look_before_service,
        )
        self._appliers.append(Applier(upstream, machinery, late.settled))
        upstream.instance.on_change = self._on_instance
        tasks.create_task(monitor.run(), name=f"health of {name}")
        tasks.create_task(watch.run(), name=f"canary of {name}")
        tasks.create_task(late.run(), name=f"late requests of {name}")

    def _poke(self, collection: Collection) -> None:
        for applier in self._appliers:
            applier.poke(collection)

    def _on_instance(self, instance: Instance) -> None:
        log.warning("%s is %s: %s", instance.name, instance.state, instance.cause)
        self._poke_all()
        self._tail.notify()

    def _poke_all(self) -> None:
        for applier in self._appliers:
            applier.poke_all()

    async def _drain(self) -> None:
        """Stop accepting, let requests in flight end, then what was sent, then the log."""
        log.info("stopping")
        assert self._runner is not None
        await self._runner.cleanup()
        for applier in self._appliers:
            applier.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_seconds):
                while any(collection.lane.busy for collection in self._tail.unfinished()):
                    await self._tail.next_move().wait()
                self._wal.close()
                await self._wal.drained()
                self._ended_cleanly = not any(a.is_behind_barrier for a in self._appliers)

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        for upstream in self._upstreams.values():
            await upstream.close()
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._wal.release(is_clean=self._ended_cleanly)


def own_routes(
    status: Status,
    proxy: Proxy,
    mapping_endpoints: MappingEndpoints,
    repair_endpoints: RepairEndpoints,
    quarantine_endpoints: QuarantineEndpoints,
) -> list[web.RouteDef]:
    """Return what is served beside Chroma's API; `openapi` describes each of them."""
    document = web.get("/openapi.json", openapi.serve)
    return [
        *Endpoints(status).routes(),
        *mapping_endpoints.routes(),
        *repair_endpoints.routes(),
        *quarantine_endpoints.routes(),
        *TransactionEndpoints(proxy).routes(),
        document,
    ]


class _StopRequest(Exception):  # noqa: N818 - it is a message, not an error
    """Ends the task group on purpose."""


def end_group(tasks: asyncio.TaskGroup) -> None:
    """Cancel every task of the group, in the way that asyncio documents."""

    async def stop() -> None:
        raise _StopRequest

    tasks.create_task(stop(), name="stop")

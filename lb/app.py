"""The process: listens, becomes the active one, opens the rooms, and ends them in order."""

import asyncio
import contextlib
import logging
import time
from importlib.metadata import version
from typing import Any

import asyncpg
from aiohttp import web

from lb import openapi
from lb.access import Access
from lb.access_log import AccessLogger
from lb.bodies import Bodies
from lb.budget import Account, BodyBudget
from lb.catalogue import Catalogue
from lb.config import Settings
from lb.database import CONNECTION_ERRORS, Database, migrate, queries
from lb.endpoints import Endpoints
from lb.farewell import Farewell
from lb.figures import Figures
from lb.front import Front
from lb.guard_endpoints import GuardEndpoints
from lb.handover import YIELD_SECONDS, Request, first_of, wait_until_asked
from lb.instances import Fleet
from lb.leader import Lead, take_lead
from lb.live_page import LivePage
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.mapping_endpoints import MappingEndpoints
from lb.marks import LogIdentity
from lb.pressure import Pressure
from lb.proxy import MOST_ADMIN_BYTES, Proxy, refuse_old_api
from lb.quarantine_endpoints import QuarantineEndpoints
from lb.recovery import begin_term, recover
from lb.repair_endpoints import RepairEndpoints
from lb.rooms import Foundation, Rooms
from lb.status import Status
from lb.transaction_endpoints import TransactionEndpoints
from lb.transitions import Transitions
from lb.wal import Wal

log = logging.getLogger(__name__)

ACCESS_LOG = logging.getLogger("lb.access_log")

CONNECT_RETRY_SECONDS = 0.2
READ_BUFFER_BYTES = 64 << 10
"""What a connection may have received before somebody reads it; it counts for no budget."""


class LoadBalancer:
    """One turn. Listens at once; serves clients from the moment that it holds the lock.

    A process has one, and another one each time that it has let go of the lead.
    """

    def __init__(self, settings: Settings, *, has_let_go: bool = False) -> None:
        self._settings = settings
        self._has_let_go = has_let_go
        self._asked = asyncio.Event()
        self._clock = time.monotonic
        self._started = self._clock()
        self._database = Database.at(settings.database_url, settings.postgres_timeout_seconds)
        self._fleet = Fleet(settings.instance_urls, self._clock)
        self._lead = Lead(self._clock, settings.lead_confirm_seconds)
        self._wal = Wal(self._database, self._lead, self._clock)
        figures = Figures(self._fleet.names, self._clock)
        figures.watch(self._fleet)
        self._wal.on_commit = figures.note_commit
        self._pressure = Pressure(settings.memory_limit_bytes, self._clock)
        account = Account(lambda: self._pressure.budget_bytes(settings.body_budget_bytes))
        self._budget = BodyBudget(account, settings.body_queue_length, settings.body_wait_seconds)
        bodies = Bodies(self._budget, settings.max_body_bytes, settings.body_timeout_seconds)
        self._proxy = Proxy(bodies, settings.standby_hold_seconds, self._clock, figures)
        self._tail = LogTail(self._fleet, Catalogue(self._fleet.names))
        self._status = Status(
            version=version("chroma-chaos"),
            commit=settings.commit,
            fleet=self._fleet,
            wal=self._wal,
            proxy=self._proxy,
            uptime_seconds=lambda: self._clock() - self._started,
            tail=self._tail,
            figures=figures,
            transitions=Transitions(self._fleet),
            pressure=self._pressure,
            budget=self._budget,
        )
        self._page = LivePage(self._status)
        self._status.transitions.on_transition = self._page.watchers.wake
        self._mapping_endpoints = MappingEndpoints(self._fleet.names)
        self._repair_endpoints = RepairEndpoints()
        self._quarantine_endpoints = QuarantineEndpoints()
        self._guard_endpoints = GuardEndpoints()
        self._farewell = Farewell()
        self._rooms: Rooms | None = None
        self._runner: web.AppRunner | None = None
        self._front: Front | None = None
        self._identity: LogIdentity
        self._is_barrier_needed = True
        self._ended_cleanly = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set or the lead is handed over.

        A task that dies unexpectedly ends everything.
        """
        await self._listen()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._page.watchers.run(), name="live page")
                serving = tasks.create_task(self._serve(tasks), name="serve")
                await first_of(stop, self._asked)
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
        app = web.Application(middlewares=[access.middleware], client_max_size=MOST_ADMIN_BYTES)
        app.add_routes(
            own_routes(
                self._status,
                self._proxy,
                self._page,
                self._mapping_endpoints,
                self._repair_endpoints,
                self._quarantine_endpoints,
                self._guard_endpoints,
            )
        )
        app.on_shutdown.append(self._end_streams)
        app.on_response_prepare.append(self._farewell.on_response)
        app.router.add_route("*", "/api/v2/{below:.*}", self._proxy.handle)
        app.router.add_route("*", "/api/v2", self._proxy.handle)
        app.router.add_route("*", "/api/v1/{below:.*}", refuse_old_api)
        self._runner = web.AppRunner(
            app,
            access_log=ACCESS_LOG if self._settings.access_log else None,
            access_log_class=AccessLogger,
            auto_decompress=False,
            read_bufsize=READ_BUFFER_BYTES,
            handler_cancellation=False,
            # aiohttp waits for so long twice: for the handler, and then for its task.
            shutdown_timeout=self._settings.shutdown_seconds / 2,
        )
        await self._runner.setup()
        assert self._runner.server is not None
        self._front = Front(
            self._proxy,
            access,
            self._farewell,
            self._runner.server,
            is_for_all=self._settings.access_log,  # It is aiohttp that writes it.
        )
        await self._front.listen(self._settings.host, self._settings.port)
        log.info("listening on %s", self._front.addresses)

    async def _end_streams(self, _: web.Application) -> None:
        """Let those go who watch: their requests would never end by themselves."""
        self._page.watchers.close()

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        if self._has_let_go:
            await asyncio.sleep(YIELD_SECONDS)
        reader, epoch = await self._become_active()
        tasks.create_task(self._wal.run(), name="log")
        foundation = Foundation(
            self._settings,
            self._clock,
            self._wal,
            self._lead,
            self._tail,
            reader,
            tasks,
            self._pressure,
            self._identity,
        )
        self._rooms = Rooms(foundation)
        await self._rooms.look_at_marks()
        self._open(self._rooms)
        log.info("active, epoch %s, %s entries to apply", epoch, len(self._tail))
        if self._settings.take_over_on_request:
            tasks.create_task(self._hear(), name="handover")
        try:
            await asyncio.Event().wait()
        finally:
            await reader.close()

    async def _hear(self) -> None:
        await wait_until_asked(self._database)
        log.info("another load balancer has the clients: handing over")
        self._asked.set()

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

    def _is_needed(self) -> bool:
        """Tell whether clients wait for this one to become active, and it may ask for that."""
        may_ask = self._settings.take_over_on_request and not self._has_let_go
        return may_ask and self._proxy.in_flight > 0

    async def _activate(self, connection: "asyncpg.Connection[Any]") -> tuple[LogReader, int]:
        for migration in await migrate(connection):
            log.info("schema version %s: %s", migration.version, migration.name)
        request = Request(self._is_needed, self._clock)
        await take_lead(connection, self._database.application_name, request.ask)
        row = await queries.next_epoch(connection)
        tail = await recover(connection, self._fleet, self._clock())
        reader = await LogReader.open(self._database)
        self._identity = await begin_term(connection, row["epoch"], tail.end)
        self._tail = tail
        self._wal.adopt(connection, row["epoch"], tail.end)
        self._is_barrier_needed = not row["predecessor_ended_cleanly"]
        return reader, row["epoch"]

    def _open(self, rooms: Rooms) -> None:
        """Let the rooms work, our own endpoints see them, and clients in."""
        tail, status = self._tail, self._status
        rooms.start(is_barrier_needed=self._is_barrier_needed)
        tail.on_settled = status.transactions.note
        tail.is_short = lambda: self._budget.is_short
        self._budget.make_room = tail.make_room
        status.tail, status.is_active = tail, True
        status.comparer, status.pruner = rooms.comparer, rooms.pruner
        status.rebuilders, status.guard = rooms.rebuilders, rooms.guard
        status.quarantine = self._quarantine_endpoints.quarantine = rooms.quarantine
        self._mapping_endpoints.adoption = rooms.adoption
        self._repair_endpoints.repairs = rooms.repairs
        self._guard_endpoints.guard = rooms.guard
        self._proxy.activate(rooms.service())

    async def _drain(self) -> None:
        """Stop accepting, let clients and their requests go, then what was sent, then the log."""
        log.info("stopping")
        assert self._front is not None
        self._page.watchers.close()
        self._front.stop_listening()
        await self._farewell.say(self._count_connections)
        await self._close_connections()
        if self._rooms is not None:
            self._rooms.stop()
        appliers = self._rooms.appliers if self._rooms else ()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_seconds):
                # Also where nothing is left to apply: a repair removes documents and adds them.
                while any(c.lane.busy for c in (*self._tail.unfinished(), *self._tail.catalogue)):
                    await self._tail.next_move().wait()
                self._wal.close()
                await self._wal.drained()
                self._ended_cleanly = not any(each.is_behind_barrier for each in appliers)

    def _count_connections(self) -> int:
        assert self._front is not None
        assert self._runner is not None
        server = self._runner.server
        return len(self._front.connections) + (len(server.connections) if server else 0)

    async def _close_connections(self) -> None:
        """Close those of the front and aiohttp's at once: all requests have the same time."""
        if self._front is not None and self._runner is not None:
            await asyncio.gather(
                self._front.close(self._settings.shutdown_seconds), self._runner.cleanup()
            )
        elif self._runner is not None:
            await self._runner.cleanup()

    async def _close(self) -> None:
        await self._close_connections()
        if self._rooms is not None:
            await self._rooms.guard.leave_marks()
            await self._rooms.close()
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._wal.release(is_clean=self._ended_cleanly)


def own_routes(
    status: Status,
    proxy: Proxy,
    page: LivePage,
    mapping_endpoints: MappingEndpoints,
    repair_endpoints: RepairEndpoints,
    quarantine_endpoints: QuarantineEndpoints,
    guard_endpoints: GuardEndpoints,
) -> list[web.RouteDef]:
    """Return what is served beside Chroma's API; `openapi` describes each of them."""
    document = web.get("/openapi.json", openapi.serve)
    return [
        *Endpoints(status).routes(),
        *page.routes(),
        *mapping_endpoints.routes(),
        *repair_endpoints.routes(),
        *quarantine_endpoints.routes(),
        *guard_endpoints.routes(),
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

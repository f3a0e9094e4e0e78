"""The lead passes to a newcomer that clients have been sent to, before its predecessor is ended.

Some platforms send clients to the new process first, and SIGTERM to the old one a minute later.
The newcomer, which can only hold their requests, asks through PostgreSQL; the active one lets go
as it does on SIGTERM. Who has let go stands by, and never asks: two cannot ask each other in turn.

    clients --> newcomer: holds --notify--> PostgreSQL --> active one: drains, frees the lock
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg

from lb.database import CONNECTION_ERRORS, Database, queries

log = logging.getLogger(__name__)

CHANNEL = "chroma_lb_handover"
ASK_SECONDS = 1.0
"""How often it is asked again: who is asked may just have lost its session."""
YIELD_SECONDS = 2.0
"""How long who has let go leaves the lock to others: they look for it every tenth of a second."""
RECONNECT_SECONDS = 1.0


class Request:
    """The newcomer's side: asks while requests are held, and no more than once a second."""

    def __init__(self, is_wanted: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._is_wanted = is_wanted
        self._clock = clock
        self._asked_at = float("-inf")

    async def ask(self, connection: "asyncpg.Connection[Any]") -> None:
        """Ask the active one to let go, if it is time to."""
        now = self._clock()
        if self._is_wanted() and now - self._asked_at >= ASK_SECONDS:
            log.info("clients are here: asking the active load balancer to let go")
            self._asked_at = now
            await queries.ask_for_handover(connection, channel=CHANNEL)


async def wait_until_asked(database: Database) -> None:
    """Return when a newcomer asks, however often the session is lost meanwhile."""
    own = replace(database, application_name=f"{database.application_name} handover")
    while True:
        try:
            connection = await own.connect()
            try:
                if await _hear(connection):
                    return
            finally:
                connection.terminate()
        except CONNECTION_ERRORS as error:
            log.warning("cannot hear who asks for the lead: %s", error)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _hear(connection: "asyncpg.Connection[Any]") -> bool:
    """Listen until somebody asks, or the session ends; tells whether somebody asked."""
    asked, ended = asyncio.Event(), asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    await connection.add_listener(CHANNEL, lambda *_: asked.set())
    await first_of(asked, ended)
    return asked.is_set()


async def first_of(*events: asyncio.Event) -> None:
    """Return when one of them is set."""
    waiting = [asyncio.create_task(event.wait(), name="one of some events") for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()

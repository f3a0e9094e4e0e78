"""The lock that makes one load balancer the active one, on the session that writes the log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from lb.database import queries

POLL_SECONDS = 0.1


async def take_lead(
    connection: "asyncpg.Connection[Any]",
    application_name: str,
    while_waiting: "Callable[[asyncpg.Connection[Any]], Awaitable[None]] | None" = None,
) -> None:
    """Wait until the session holds the lock; `while_waiting` may raise to give up.

    Sessions of this very process are ended first: one whose connection broke may otherwise hold
    the lock until PostgreSQL notices.
    """
    await queries.end_own_sessions(connection, application_name=application_name)
    # PostgreSQL has no notification for a lock that becomes free, and a blocking wait for it
    # would run into the time limit of statements.
    while not await queries.try_lock(connection):
        if while_waiting is not None:
            await while_waiting(connection)
        await asyncio.sleep(POLL_SECONDS)

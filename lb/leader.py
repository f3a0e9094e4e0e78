"""The lock that makes one load balancer the active one, on the session that writes the log.

`Lead` is our side of it: for how long we may still believe that we hold the lock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from lb.database import queries

POLL_SECONDS = 0.1


class Lead:
    """Whether PostgreSQL has confirmed recently that the session with the lock lives.

    Invariant: it is confirmed only within `limit_seconds` of the sending of a statement that was
    answered. PostgreSQL takes longer than that to give up a session whose network is silent (see
    `KEEPALIVE` in database), so nobody else is active while it is confirmed.
    """

    def __init__(self, clock: Callable[[], float], limit_seconds: float) -> None:
        self._clock = clock
        self._asked_at = float("-inf")
        self.limit_seconds = limit_seconds
        self.on_confirmed: Callable[[], None] = lambda: None

    @property
    def is_confirmed(self) -> bool:
        """Whether something may be sent to an instance now."""
        return self._clock() - self._asked_at <= self.limit_seconds

    def confirm(self, asked_at: float) -> None:
        """Note that a statement sent at that time was answered; tell who waits."""
        was_confirmed = self.is_confirmed
        self._asked_at = asked_at
        if not was_confirmed and self.is_confirmed:
            self.on_confirmed()

    def lose(self) -> None:
        """Note that the session is gone, and with it maybe the lock."""
        self._asked_at = float("-inf")


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

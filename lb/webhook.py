"""The webhook: tells a URL of every recovered transaction (T5), at least once.

What is to be told, and how often it was tried, is in PostgreSQL, so a restart forgets nothing.
Writes never wait for it, and it can not fail them.
"""

import asyncio
import logging
from datetime import UTC, datetime

import aiohttp
import msgspec

from lb.errors import LogUnavailableError
from lb.log_reader import LogReader
from lb.transactions import Transaction

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=5)
LOOK_SECONDS = 1.0
"""How often PostgreSQL is asked; an index holds only what was recovered."""


class RecoveryWebhook:
    """Delivers in order of the log; after `MOST_ATTEMPTS` a transaction is left alone."""

    def __init__(self, url: str, reader: LogReader) -> None:
        self._url = url
        self._reader = reader

    async def run(self) -> None:
        """Deliver for ever."""
        failures = 0
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            while True:
                failures = 0 if await self._round(session) else failures + 1
                await asyncio.sleep(pause_seconds(failures))

    async def _round(self, session: aiohttp.ClientSession) -> bool:
        """Tell what is to be told; False as soon as something could not be."""
        try:
            for transaction in await self._reader.untold_recoveries(MOST_ATTEMPTS):
                told = await self._tell(session, transaction)
                await self._reader.note_webhook(transaction.position, told)
                if not told:
                    return False
        except LogUnavailableError as error:
            log.warning("the webhook waits: %s", error)
            return False
        return True

    async def _tell(self, session: aiohttp.ClientSession, transaction: Transaction) -> bool:
        body = {
            "event": "transaction.recovered",
            "sent_at": datetime.now(UTC).isoformat(),
            "transaction": transaction.summary(),
        }
        try:
            async with session.post(
                self._url,
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                if 200 <= response.status < 300:
                    return True
                cause = f"HTTP {response.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            cause = f"{type(error).__name__}: {error}"
        log.warning("the webhook was not told of transaction %s: %s", transaction.id, cause)
        return False


def pause_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row."""
    if failures == 0:
        return LOOK_SECONDS
    return min(FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_RETRY_SECONDS)

"""The mark on one instance: read and written where no client looks; judges nothing.

It is the metadata of a collection without documents: 2 ms to write, and no part of what clients
list or count.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

import msgspec

from lb import payloads
from lb.canary import COLLECTIONS, DATABASES, JSON
from lb.errors import InstanceError, UnintelligibleAnswerError
from lb.marks import Mark
from lb.model import Answer
from lb.paths import CANARY_DATABASE
from lb.upstream import Upstream, describe

NAME = "log-mark"
T = TypeVar("T")


class _Marked(msgspec.Struct):
    id: UUID
    metadata: Mark | None = None


class _Change(msgspec.Struct):
    new_metadata: Mark


class MarkRequests:
    """Reads and writes the mark of one instance, each in `timeout_seconds`.

    Raises `InstanceError` when there is no answer, or none that says what is there.
    """

    def __init__(self, upstream: Upstream, timeout_seconds: float) -> None:
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._collection: UUID | None = None

    async def read(self) -> Mark | None:
        """Return the mark that the instance has; None without one."""
        return await self._in_time(self._read())

    async def write(self, mark: Mark) -> None:
        """Replace the mark. After a failure it may still arrive, at any later time."""
        await self._in_time(self._write(mark))

    async def _read(self) -> Mark | None:
        answer = await self._upstream.read("GET", f"{COLLECTIONS}/{NAME}")
        if answer.status == 404:
            self._collection = None
            return None
        found = self._marked(answer)
        self._collection = found.id
        return found.metadata

    async def _write(self, mark: Mark) -> None:
        if self._collection is None:
            self._collection = await self._make()
        path, body = f"{COLLECTIONS}/{self._collection}", msgspec.json.encode(_Change(mark))
        answer = await self._upstream.write_afresh("PUT", path, body, JSON)
        if not answer.is_success:
            self._collection = None
            raise InstanceError(self._upstream.instance.name, describe(answer))

    async def _make(self) -> UUID:
        # A 409 says that the database is there already.
        await self._upstream.write_afresh(
            "POST", DATABASES, msgspec.json.encode({"name": CANARY_DATABASE}), JSON
        )
        body = msgspec.json.encode({"name": NAME, "get_or_create": True})
        return self._marked(await self._upstream.write_afresh("POST", COLLECTIONS, body, JSON)).id

    def _marked(self, answer: Answer) -> _Marked:
        if not answer.is_success:
            raise InstanceError(self._upstream.instance.name, describe(answer))
        return payloads.read_as(answer.body, _Marked)

    async def _in_time(self, work: Awaitable[T]) -> T:
        name = self._upstream.instance.name
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await work
        except TimeoutError as error:
            cause = f"its mark was not answered within {self._timeout_seconds:g} s"
            raise InstanceError(name, cause) from error
        except UnintelligibleAnswerError as error:
            raise InstanceError(name, f"its mark cannot be read: {error}") from error

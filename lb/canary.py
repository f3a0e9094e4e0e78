"""Canary writes: proof that an instance takes writes on new connections, where no client looks.

A heartbeat is no such proof: a server whose every write fails still answers it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import msgspec

from lb import payloads
from lb.catalogue import Collection
from lb.errors import (
    InstanceError,
    InstanceUnreachableError,
    NobodyListensError,
    ServerFailedError,
    UnintelligibleAnswerError,
)
from lb.model import Answer
from lb.paths import CANARY_DATABASE, PREFIX, Read, Target
from lb.suspicion import CanaryAnswer, CanaryResult, names_storage
from lb.upstream import Upstream, describe

JSON = "application/json"
DATABASES = f"{PREFIX}/tenants/default_tenant/databases"
COLLECTIONS = f"{DATABASES}/{CANARY_DATABASE}/collections"
NAME = "canary"
COLLECTION = msgspec.json.encode({"name": NAME, "get_or_create": True})
DOCUMENT = msgspec.json.encode({"ids": ["canary"], "embeddings": [[0.0]]})


class Canary:
    """Writes one document of the load balancer's own, each time on a new connection.

    Its collection may be torn as those of clients are, and fail every write on a server that is
    well. So one that failed is replaced, once until a write is taken: a server that is not well
    fails the new one, too.
    """

    def __init__(
        self, upstream: Upstream, clock: Callable[[], float], timeout_seconds: float
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._path: str | None = None
        self._has_ended_server = False
        self._is_replaced = False

    async def answers(self) -> bool:
        """Tell whether the write got through and was answered in time; a refusal is an answer."""
        return (await self.ask()).result in (CanaryResult.TAKEN, CanaryResult.REFUSED)

    async def ask(self) -> CanaryAnswer:
        """Write it, and say what became of it; when it failed, look at the heartbeat as well."""
        answer = await outcome_of(self._write(), self._clock, self._timeout_seconds)
        if answer.result is CanaryResult.FAILED and await self._heartbeat_fails():
            return replace(answer, ended_at=self._clock(), heartbeat_failed=True)
        return answer

    async def _heartbeat_fails(self) -> bool:
        """Tell whether it is answered, and with an error."""
        try:
            await self._upstream.probe(self._timeout_seconds)
        except (InstanceUnreachableError, TimeoutError):
            return False
        except InstanceError:
            return True
        return False

    async def _write(self) -> Answer:
        """Write to the collection, or to a new one where that may be the reason of a failure."""
        try:
            if self._has_ended_server and not self._is_replaced:
                answer = await self._write_anew()
            else:
                answer = await self._write_to_known()
        except ServerFailedError as error:
            if self._is_replaced or names_storage(error.cause):
                raise
            answer = await self._write_anew()
        except InstanceUnreachableError as error:
            self._has_ended_server = not isinstance(error, NobodyListensError)
            raise
        self._has_ended_server = self._is_replaced = False
        return answer

    async def _write_to_known(self) -> Answer:
        """Write to the collection that is known, or make it: it may be gone, or not there yet."""
        if self._path is not None:
            answer = await self._upstream.write_afresh("POST", self._path, DOCUMENT, JSON)
            if answer.is_success:
                return answer
        # A 409 says that the database is there already.
        await self._upstream.write_afresh(
            "POST", DATABASES, msgspec.json.encode({"name": CANARY_DATABASE}), JSON
        )
        made = await self._upstream.write_afresh("POST", COLLECTIONS, COLLECTION, JSON)
        if not made.is_success:
            return made
        self._path = f"{COLLECTIONS}/{payloads.collection_id(made.body)}/upsert"
        return await self._upstream.write_afresh("POST", self._path, DOCUMENT, JSON)

    async def _write_anew(self) -> Answer:
        """Drop the collection, and write to a new one."""
        self._is_replaced, self._path = True, None
        await self._upstream.write_afresh("DELETE", f"{COLLECTIONS}/{NAME}", b"", JSON)
        return await self._write_to_known()


class CollectionCanaries:
    """Deletes a document that never was: a write that changes nothing, in a client's collection.

    Measured: when a write has broken a collection, this fails as all that follow it do.
    """

    def __init__(
        self, upstreams: dict[str, Upstream], clock: Callable[[], float], timeout_seconds: float
    ) -> None:
        self._upstreams = upstreams
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def ask(self, collection: Collection, instance: str) -> CanaryAnswer:
        """Write it, and say what became of it; a collection that is not there has no trouble."""
        uuid = collection.uuids.get(instance)
        if uuid is None:
            return CanaryAnswer(self._clock(), self._clock(), CanaryResult.TAKEN)
        target = Target(Read.RECORDS, collection.name.tenant, collection.name.database)
        body = payloads.delete_by_ids([f"never-{uuid4()}"])
        write = self._upstreams[instance].write_afresh(
            "POST", target.collection_path(uuid, "delete"), body, JSON
        )
        return await outcome_of(write, self._clock, self._timeout_seconds)


async def outcome_of(
    write: Awaitable[Answer], clock: Callable[[], float], timeout_seconds: float
) -> CanaryAnswer:
    """Say what became of a write of our own."""
    began_at = clock()
    result, error = CanaryResult.TAKEN, ""
    try:
        async with asyncio.timeout(timeout_seconds):
            answer = await write
        if not answer.is_success:
            result, error = CanaryResult.REFUSED, describe(answer)
    except ServerFailedError as failure:
        result, error = CanaryResult.FAILED, failure.cause
    except (InstanceError, UnintelligibleAnswerError, TimeoutError) as failure:
        result, error = CanaryResult.SILENT, str(failure)
    return CanaryAnswer(began_at, clock(), result, error)

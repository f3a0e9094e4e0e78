"""Carries a window of WAL entries out on one instance so that doing it twice changes nothing more.

Knows what each kind means in Chroma's API; knows nothing of order, cursors or clients.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from lb import ghosts, payloads
from lb.catalogue import Collection
from lb.errors import (
    BrokenMappingError,
    ConflictError,
    ForeignCollectionError,
    InstanceError,
    InstanceUnreachableError,
    RequestError,
)
from lb.merging import Window, merge
from lb.model import NOWHERE, OF_NAMESPACES, Answer, CollectionState, Entry, Kind
from lb.paths import Target, parse_target
from lb.upstream import Upstream, describe

MOST_RESOLVED_BYTES = 8 << 20
"""A delete of more is sent with its conditions: a right count is not worth that much memory."""

METHODS = {
    Kind.MODIFY: "PUT",
    Kind.DROP: "DELETE",
    Kind.MODIFY_TENANT: "PATCH",
    Kind.DROP_DATABASE: "DELETE",
}
REPEATED = {Kind.CREATE_TENANT: 409, Kind.CREATE_DATABASE: 409, Kind.DROP_DATABASE: 404}
"""What Chroma answers when such a write has been done already."""


@dataclass(frozen=True)
class Execution:
    """A definite answer, in the words a client may see, and the collection's UUID afterwards."""

    answer: Answer
    uuid: UUID | None


class Executor:
    """Executes entries on one instance. `resolve` makes a repeatable body durable first."""

    def __init__(
        self, upstream: Upstream, resolve: Callable[[Entry, bytes], Awaitable[bytes]]
    ) -> None:
        self._upstream = upstream
        self._resolve = resolve

    async def execute(
        self, collection: Collection, window: Window, *, is_decided: bool
    ) -> Execution:
        """Apply the entries; raises `InstanceError` when the outcome is not definite.

        `is_decided`: the outcome was known when the bodies were read, which are then as they were
        sent to the instance that gave the outcome.
        """
        try:
            return await self._execute(collection, window, is_decided)
        except RequestError as error:
            raise InstanceError(self._upstream.instance.name, str(error)) from error

    async def _execute(self, collection: Collection, window: Window, is_decided: bool) -> Execution:
        entry, body = window.first, window.body
        target = parse_target(METHODS.get(entry.kind, "POST"), entry.path)
        uuid = collection.uuids.get(self._upstream.instance.name)
        if entry.kind in OF_NAMESPACES:
            return await self._namespace(target, entry, body)
        if entry.kind is Kind.CREATE:
            return await self._create(collection, target, entry, body)
        if entry.kind is Kind.DROP:
            return await self._drop(target, uuid)
        if entry.kind is Kind.DELETE and uuid is not None:
            body = await self._repeatable(target, entry, uuid, body)
        if entry.kind is Kind.UPDATE and uuid is not None and not is_decided:
            return await self._update(collection, target, window, uuid)
        return await self._write(collection, target, entry, uuid, body)

    async def _write(
        self, collection: Collection, target: Target, entry: Entry, uuid: UUID | None, body: bytes
    ) -> Execution:
        """Send a write of documents or of the collection's name and metadata.

        Without a UUID (the create was refused, or a drop came before) it goes nowhere, so that
        Chroma words the refusal. With one, a 404 is the instance's fault; so is no UUID of a
        collection that clients use.
        """
        if uuid is None and collection.state is CollectionState.ACTIVE:
            raise BrokenMappingError(
                self._upstream.instance.name,
                f"has no UUID for collection {collection.name.name} in the catalogue",
            )
        path = target.collection_path(uuid or NOWHERE)
        try:
            answer = await self._upstream.write(
                METHODS.get(entry.kind, "POST"), path, body, entry.content_type
            )
        except InstanceUnreachableError:
            raise
        except InstanceError:
            if not await self._is_taken(target, entry, uuid):
                raise
            message = f"Collection [{entry.new_name}] already exists"
            answer = Answer(409, payloads.error_body(ConflictError.code, message))
        if answer.status == 404 and uuid is not None:
            raise BrokenMappingError(
                self._upstream.instance.name,
                f"does not have collection {collection.name.name} under its UUID {uuid}",
            )
        return Execution(in_client_terms(answer, uuid or NOWHERE, collection.id), uuid)

    async def _is_taken(self, target: Target, entry: Entry, uuid: UUID | None) -> bool:
        """Tell whether a rename failed because the name belongs to a collection that is not ours.

        Chroma answers 500 for that, however often it is asked.
        """
        if entry.new_name is None or uuid is None:
            return False
        found = await self._upstream.read("GET", target.collection_path(entry.new_name, ""))
        return found.is_success and payloads.collection_id(found.body) != uuid

    async def _namespace(self, target: Target, entry: Entry, body: bytes) -> Execution:
        """Write a tenant or a database; one that was done before, by us, has succeeded."""
        method = METHODS.get(entry.kind, "POST")
        answer = await self._upstream.write(method, target.namespace_path, body, entry.content_type)
        decided = entry.outcome is not None and entry.outcome.is_success
        ours = decided or self._upstream.instance.name in entry.in_doubt
        if ours and answer.status == REPEATED.get(entry.kind):
            answer = Answer(200, b"{}")
        return Execution(answer, None)

    async def _create(
        self, collection: Collection, target: Target, entry: Entry, body: bytes
    ) -> Execution:
        answer = await self._upstream.write(
            "POST",
            f"{target.database_path}/collections",
            payloads.plain_create(body),
            entry.content_type,
        )
        if answer.status == 409:
            found = await self._own_leftover(collection, target, entry)
            answer = found or answer
        if not answer.is_success:
            return Execution(answer, None)
        uuid = payloads.collection_id(answer.body)
        body = payloads.with_collection_id(answer.body, collection.id)
        return Execution(Answer(answer.status, body, answer.content_type), uuid)

    async def _own_leftover(
        self, collection: Collection, target: Target, entry: Entry
    ) -> Answer | None:
        """Find out whether the name is taken by an earlier attempt of ours.

        An attempt whose answer was lost leaves an empty collection. One with documents is not
        ours: taking it over would make the instances differ without anybody knowing.
        """
        instance = self._upstream.instance.name
        decided = entry.outcome is not None
        if not decided and instance not in entry.in_doubt:
            return None
        found = await self._upstream.read("GET", target.collection_path(collection.name.name, ""))
        if not found.is_success:
            raise InstanceError(instance, describe(found))
        uuid = payloads.collection_id(found.body)
        count = await self._upstream.read("GET", target.collection_path(uuid, "count"))
        if count.status != 200:
            raise InstanceError(instance, describe(count))
        if count.body.strip() == b"0":
            return found
        if not decided:
            return None
        raise ForeignCollectionError(
            instance,
            f"a collection {collection.name.name} with {count.body.decode()} documents exists "
            "that is not in the catalogue; remove it there",
        )

    async def _drop(self, target: Target, uuid: UUID | None) -> Execution:
        """Delete by the name that the instance has for this very UUID, never another's."""
        missing = payloads.error_body(
            "NotFoundError", f"Collection [{target.reference}] does not exist"
        )
        if uuid is None:
            return Execution(Answer(404, missing), None)
        name = await self._name_of(target, uuid)
        if name is not None:
            answer = await self._upstream.write("DELETE", target.collection_path(name, ""), b"", "")
            if not answer.is_success and answer.status != 404:
                raise InstanceError(self._upstream.instance.name, describe(answer))
        return Execution(Answer(200, b"{}"), None)

    async def _name_of(self, target: Target, uuid: UUID) -> str | None:
        found = await self._upstream.read("GET", target.by_id_path(uuid))
        if found.status == 404:
            return None
        if not found.is_success:
            raise InstanceError(self._upstream.instance.name, describe(found))
        return payloads.collection_name(found.body)

    async def _repeatable(self, target: Target, entry: Entry, uuid: UUID, body: bytes) -> bytes:
        """Turn a delete with conditions into one by ids, so that a second run is as the first.

        With a limit it would remove others; without one it would answer that it removed none.
        """
        delete = payloads.conditional_delete(body)
        if delete is None:
            return body
        listed = await self._upstream.read(
            "POST", target.collection_path(uuid, "get"), delete.as_get(), entry.content_type
        )
        if listed.status >= 500:
            raise InstanceError(self._upstream.instance.name, describe(listed))
        if not listed.is_success:
            return body
        by_ids = payloads.delete_by_ids(payloads.listed_ids(listed))
        if delete.limit is None and len(by_ids) > MOST_RESOLVED_BYTES:
            return body
        return await self._resolve(entry, by_ids)

    async def _update(
        self, collection: Collection, target: Target, window: Window, uuid: UUID
    ) -> Execution:
        """Update what exists, in such a way that what does not can never be changed by it."""
        entry, body = window.first, window.body
        harmless = await self._without_ghosts(target, window, uuid)
        execution = await self._write(collection, target, entry, uuid, harmless)
        if execution.answer.status == 422 and harmless != body:
            # Chroma cannot read a column that both have, and says where: in the client's own body.
            return await self._write(collection, target, entry, uuid, body)
        return execution

    async def _without_ghosts(self, target: Target, window: Window, uuid: UUID) -> bytes:
        """Turn updates that name absent documents into ones that can never change them.

        Updates do not make documents, so a second run finds the same ones. Each entry's new body
        is durable before it is sent; ids that no document has collide with none, so they merge.
        """
        existing: set[str] = set()
        for get in ghosts.gets_of(ghosts.embedded_ids(window.body)):
            path = target.collection_path(uuid, "get")
            listed = await self._upstream.read("POST", path, get, window.first.content_type)
            if not listed.is_definite:
                raise InstanceError(self._upstream.instance.name, describe(listed))
            if not listed.is_success:
                return window.body
            existing.update(payloads.listed_ids(listed))
        harmless = [
            ghosts.without_ghosts(body, existing, entry.lane_id, entry.position)
            for entry, body in zip(window.entries, window.bodies, strict=True)
        ]
        if tuple(harmless) == window.bodies:
            return window.body
        resolved = await asyncio.gather(
            *(
                self._resolve(entry, new) if new != old else _unchanged(old)
                for entry, old, new in zip(window.entries, window.bodies, harmless, strict=True)
            )
        )
        merged, sizes = merge(resolved, sum(window.sizes))
        assert len(sizes) == len(window), "what could be merged can be merged without ghosts"
        return merged


async def _unchanged(body: bytes) -> bytes:
    return body


def in_client_terms(answer: Answer, uuid: UUID, logical_id: UUID) -> Answer:
    """Return the answer with the instance's UUID replaced by the id that clients see."""
    old = str(uuid).encode()
    if old not in answer.body:
        return answer
    return Answer(
        answer.status, answer.body.replace(old, str(logical_id).encode()), answer.content_type
    )

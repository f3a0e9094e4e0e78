"""What clients read, put as questions to instances and answered in client terms (stable ids)."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs
from uuid import UUID

from lb import payloads
from lb.ailments import Ailments
from lb.catalogue import Collection
from lb.errors import NotFoundError
from lb.executor import in_client_terms
from lb.log_tail import LogTail
from lb.model import NOWHERE, Answer, CollectionState
from lb.paths import CANARY_DATABASE, Read, Target
from lb.reads import Question, Reads

SHOWN = (CollectionState.ACTIVE, CollectionState.DROPPING)
"""The states in which a listing shows a collection, where the instance has it."""

NOTHING_THERE = (
    payloads.error_body("InvalidArgumentError", f"Database [{NOWHERE}] does not exist"),
    payloads.error_body("NotFoundError", f"Collection [{NOWHERE}] does not exist."),
)
"""Chroma's answers to a create and a rename that go nowhere, when the body has no fault."""


class Lookups:
    """Answers every read of Chroma's API. Collections that are not ours are not shown."""

    def __init__(
        self, tail: LogTail, reads: Reads, ailments: Ailments, *, is_strong: bool = True
    ) -> None:
        self._tail = tail
        self._reads = reads
        self._ailments = ailments
        self._is_strong = is_strong

    async def answer(
        self, target: Target, raw_path: str, query: str, body: bytes, content_type: str
    ) -> Answer:
        """Answer a read; `query` is the raw query string."""
        if target.action is Read.COUNT_COLLECTIONS:
            visible = self._tail.catalogue.active_in(target.tenant, target.database)
            return Answer(200, str(len(visible)).encode())
        if target.action is Read.LIST:
            return await self._list(target, query)
        if target.action is Read.SERVER:
            path = f"{raw_path}?{query}" if query else raw_path
            return await self._reads.ask(Question("GET", lambda _: path))
        if target.action in (Read.NAMESPACE, Read.LIST_DATABASES):
            return await self._namespace(target, raw_path, query)
        collection = self._tail.catalogue.find(target.tenant, target.database, target.reference)
        if collection is None:
            return await self._unknown(target, body, content_type)
        if target.action is Read.RECORDS:
            return await self._records(collection, target, query, body, content_type)
        return await self.collection(collection)

    async def refuse(self, target: Target, body: bytes, content_type: str) -> Answer:
        """Have Chroma word the refusal of a write that no collection can take.

        It is sent to a collection, or for a create to a database, that does not exist, so that it
        can have no effect; the body's own errors come first, as they do without a proxy.
        """
        return restore_reference(
            await self._ask_nowhere(target, body, content_type), target.reference
        )

    async def refusal(self, target: Target, body: bytes, content_type: str) -> Answer | None:
        """Return Chroma's refusal of a create or rename for its body, None if that has no fault.

        Chroma looks at the body before it looks for the collection.
        """
        nowhere = replace(target, reference=str(NOWHERE)) if target.reference else target
        answer = await self._ask_nowhere(nowhere, body, content_type)
        return None if answer.body in NOTHING_THERE else answer

    async def _ask_nowhere(self, target: Target, body: bytes, content_type: str) -> Answer:
        if target.reference:
            path = target.collection_path(nowhere_like(target.reference))
        else:
            path = f"{Target(target.action, target.tenant, str(NOWHERE)).database_path}/collections"
        method = "PUT" if target.reference and not target.rest else "POST"
        return await self._reads.ask(
            Question(method, lambda _: path, body=body, content_type=content_type)
        )

    async def collection(self, collection: Collection) -> Answer:
        """Answer a collection's object, with the id that clients see."""
        target = Target(Read.COLLECTION, collection.name.tenant, collection.name.database)
        answer = await self._reads.ask(
            Question(
                "GET",
                lambda name: target.by_id_path(collection.uuids.get(name, NOWHERE)),
                may_ask=self._may_ask(collection),
                note=collection.lane.note_read,
                missing_is_fault=lambda: is_expected(collection),
            )
        )
        if answer.status == 200:
            body = payloads.with_collection_id(answer.body, collection.id)
            return Answer(200, body, answer.content_type)
        return restore_reference(answer, str(collection.id))

    async def _records(
        self, collection: Collection, target: Target, query: str, body: bytes, content_type: str
    ) -> Answer:
        method = "GET" if target.rest in ("count", "indexing_status") else "POST"

        def path(instance: str) -> str:
            uuid = collection.uuids.get(instance, NOWHERE)
            below = target.collection_path(uuid)
            return f"{below}?{query}" if query else below

        asked: list[str] = []

        def note(instance: str) -> None:
            asked.append(instance)
            collection.lane.note_read(instance)

        answer = await self._reads.ask(
            Question(
                method,
                path,
                body,
                content_type,
                may_ask=self._may_ask(collection),
                note=note,
                missing_is_fault=lambda: is_expected(collection),
                accuse=lambda name, error: self._ailments.note(collection, name, error),
            )
        )
        if answer.status < 400:
            return answer
        uuid = collection.uuids.get(asked[-1], NOWHERE) if asked else NOWHERE
        return in_client_terms(answer, uuid, collection.id)

    async def _namespace(self, target: Target, raw_path: str, query: str) -> Answer:
        """Answer a tenant, a database or a listing of these, with ids that all instances share."""
        limit, offset = page_of(query)
        path = raw_path if limit is not None else f"{raw_path}?{query}"
        lane = self._tail.catalogue.namespaces.lane
        answer = await self._reads.ask(
            Question(
                "GET",
                lambda _: path,
                may_ask=lane.is_fresh if self._is_strong else lambda _: True,
                note=lane.note_read,
            )
        )
        if answer.status != 200:
            return answer
        if target.action is Read.LIST_DATABASES:
            listed = payloads.shared_databases(answer.body, hidden=CANARY_DATABASE)
            page = listed[offset : None if limit is None else offset + limit]
            return Answer(200, payloads.join_objects(page), answer.content_type)
        if target.database:
            return Answer(200, payloads.shared_database(answer.body), answer.content_type)
        return answer

    async def _unknown(self, target: Target, body: bytes, content_type: str) -> Answer:
        if target.action is Read.COLLECTION:
            raise NotFoundError(f"Collection [{target.reference}] does not exist")
        stand_in = nowhere_like(target.reference)
        if target.action is Read.COLLECTION_BY_ID:
            question = Question("GET", lambda _: target.by_id_path(stand_in))
        else:
            method = "GET" if target.rest in ("count", "indexing_status") else "POST"
            path = target.collection_path(stand_in)
            question = Question(method, lambda _: path, body=body, content_type=content_type)
        return restore_reference(await self._reads.ask(question), target.reference)

    async def _list(self, target: Target, query: str) -> Answer:
        """Answer a listing, ordered by the id that clients see, as Chroma orders by its own."""
        limit, offset = page_of(query)
        suffix = "" if limit is not None else f"?{query}"
        path = f"{target.database_path}/collections{suffix}"
        answer = await self._reads.ask(
            Question(
                "GET", lambda _: path, may_ask=self._is_structure_fresh, note=self._note_listing
            )
        )
        if answer.status != 200:
            return answer
        shown = {}
        for uuid, raw in payloads.split_collections(answer.body):
            collection = self._tail.catalogue.by_instance_uuid(uuid)
            if collection is not None and collection.state in SHOWN:
                shown[collection.id] = payloads.with_collection_id(raw, collection.id)
        end = None if limit is None else offset + limit
        page = [shown[key] for key in sorted(shown)][offset:end]
        return Answer(200, payloads.join_objects(page), answer.content_type)

    def _may_ask(self, collection: Collection) -> Callable[[str], bool]:
        """Return the read rule; waived, any instance may be asked that has the collection."""
        if self._is_strong:
            return collection.lane.is_fresh
        return lambda name: (
            collection.lane.is_member(name)
            and (name in collection.uuids or not is_expected(collection))
        )

    def _is_structure_fresh(self, instance: str) -> bool:
        """Tell whether a listing from the instance would lack nothing that clients may see."""
        if not all(c.lane.is_member(instance) for c in self._tail.catalogue if c.state in SHOWN):
            return False
        return not self._is_strong or all(
            c.lane.is_structure_fresh(instance) for c in self._tail.lagging(instance)
        )

    def _note_listing(self, instance: str) -> None:
        for collection in self._tail.unfinished():
            collection.lane.note_read(instance)


def is_expected(collection: Collection) -> bool:
    """Tell whether every instance that is fresh must have the collection."""
    return collection.state is CollectionState.ACTIVE


def nowhere_like(reference: str) -> str:
    """Return what to ask Chroma for in place of an unknown collection.

    A reference that Chroma cannot parse is refused for just that, so it is passed on.
    """
    try:
        UUID(reference)
    except ValueError:
        return reference
    return str(NOWHERE)


def restore_reference(answer: Answer, reference: str) -> Answer:
    """Return the answer with what the client asked for in place of the stand-in."""
    body = answer.body.replace(str(NOWHERE).encode(), reference.encode())
    return Answer(answer.status, body, answer.content_type)


LARGEST = 2**32 - 1
"""The largest number that Chroma takes in the query string of a listing."""


def page_of(query: str) -> tuple[int | None, int]:
    """Read limit and offset; the limit is None when Chroma should word a refusal."""
    fields = parse_qs(query, keep_blank_values=True)
    values = [*fields.get("limit", [str(LARGEST)]), *fields.get("offset", ["0"])]
    if len(values) > 2 or not all(re.fullmatch(r"\+?[0-9]{1,20}", value) for value in values):
        return None, 0
    limit, offset = map(int, values)
    return (limit, offset) if max(limit, offset) <= LARGEST else (None, 0)

"""Writes: decide which lane one belongs to, have it logged, and wait for its outcome."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from lb import payloads
from lb.acknowledgement import Acknowledgement
from lb.catalogue import Collection, Name
from lb.errors import (
    BadRequestError,
    ConflictError,
    InDoubtError,
    LogUnavailableError,
    NotFoundError,
    ProtectedCollectionError,
    RequestError,
    TransactionReusedError,
)
from lb.failpoints import reach
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.lookups import Lookups
from lb.model import OF_NAMESPACES, Answer, CollectionChange, CollectionState, Entry, Kind
from lb.paths import CANARY_DATABASE, Target
from lb.poison import find_panic, find_poison
from lb.wal import Wal
from lb.write_request import WriteRequest


@dataclass(frozen=True)
class _Plan:
    """What is submitted to the log: the entry, and the catalogue's row if it changes."""

    collection: Collection
    entry: Entry
    change: CollectionChange | None = None


class Writes:
    """Takes writes in. The order of its synchronous decisions is the order of the log."""

    def __init__(
        self,
        tail: LogTail,
        wal: Wal,
        reader: LogReader,
        lookups: Lookups,
        acknowledgement: Acknowledgement,
        timeout_seconds: float,
        protected: frozenset[str],
        check_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._tail = tail
        self._wal = wal
        self._reader = reader
        self._lookups = lookups
        self._acknowledgement = acknowledgement
        self._timeout_seconds = timeout_seconds
        self._protected = protected
        self._check_room = check_room
        # Who repeats a transaction looks for it only when the one before has been placed.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def write(self, request: WriteRequest) -> Answer:
        """Return the outcome of the write, once, however often it is asked for.

        Raises `LogUnavailableError` when it was certainly not logged, `InDoubtError` when it was,
        or may have been, and has no outcome in time.
        """
        entry: Entry | None = None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if request.transaction_id is None:
                    placed = await self._place(request)  # Nobody can repeat what has no name.
                else:
                    async with self._turns.setdefault(request.id, asyncio.Lock()):
                        placed = await self._find_logged(request) or await self._place(request)
                if isinstance(placed, Answer):
                    return placed
                entry = placed
                await self._acknowledgement.wait(entry)
        except TimeoutError as error:
            # The outcome may have come in the very turn of the loop in which the time was over.
            if entry is None or not self._acknowledgement.is_due(entry):
                self._tell_to_wait(entry)
                raise InDoubtError(
                    "the write has no outcome yet; if it was logged it will be applied. Repeat the "
                    "request with the same Transaction-ID to learn its outcome"
                ) from error
        if entry.outcome is None:
            raise LogUnavailableError("PostgreSQL did not commit the write; it has no effect")
        await reach("before-ack", entry)
        return entry.outcome

    def _tell_to_wait(self, entry: Entry | None) -> None:
        """Remember that a client was told to wait: the outcome will be a recovery."""
        if entry is not None and entry.outcome is None:
            entry.told_to_wait = True
            self._tail.release_body(entry)

    async def _find_logged(self, request: WriteRequest) -> Answer | None:
        """Find the outcome of an earlier request with the client's transaction id (T4)."""
        if request.transaction_id is None or self._tail.by_transaction(request.id) is not None:
            return None
        logged = await self._reader.find_transaction(request.id)
        if logged is None:
            return None
        self._check_same(request, logged.fingerprint)
        return logged.outcome

    def _check_same(self, request: WriteRequest, fingerprint: bytes) -> None:
        if fingerprint != request.fingerprint:
            raise TransactionReusedError(
                f"Transaction-ID {request.id} belongs to a different request; use a new one"
            )

    async def _place(self, request: WriteRequest) -> Entry | Answer:
        """Have the write logged, or answer it when nothing is to be logged.

        Who needs a name waits until no create or rename of its collection is without an outcome;
        who repeats a transaction that is under way waits for that one.
        """
        while True:
            earlier = self._tail.by_transaction(request.id)
            if earlier is not None:
                self._check_same(request, earlier.fingerprint)
                return earlier
            decision = self._decide(request)
            if isinstance(decision, _Plan):
                self._submit(decision)
                return decision.entry
            if isinstance(decision, Entry):
                await decision.settled.wait()
            elif (answer := await decision) is not None:
                return answer

    def _decide(
        self, request: WriteRequest
    ) -> "_Plan | Entry | Coroutine[Any, Any, Answer | None]":
        self._check_room()
        target = request.target
        if target.action in OF_NAMESPACES:
            return self._decide_namespace(request)
        if target.action is Kind.CREATE:
            return self._decide_create(request)
        collection = self._tail.catalogue.find(target.tenant, target.database, target.reference)
        if collection is None:
            if target.action is Kind.DROP:
                raise NotFoundError(f"Collection [{target.reference}] does not exist")
            return self._lookups.refuse(target, request.body, request.content_type)
        if target.action is not Kind.DROP and not payloads.is_plain_object(request.body):
            return self._refuse(request, BadRequestError("the body is not a plain JSON object"))
        self._check_harmless(request)
        if target.action in (Kind.MODIFY, Kind.DROP):
            if collection.changing is not None:
                return collection.changing
            if (why := find_panic(request.body)) is not None:
                return self._refuse(request, BadRequestError(why))
            decide = self._decide_drop if target.action is Kind.DROP else self._decide_modify
            return decide(request, collection)
        entry = self._entry(request, collection)
        return _Plan(collection, entry)

    def _decide_create(
        self, request: WriteRequest
    ) -> "_Plan | Entry | Coroutine[Any, Any, Answer | None]":
        target, catalogue = request.target, self._tail.catalogue
        body = payloads.decode_create(request.body)
        if body is None or not can_be_logged(body.name):
            return self._lookups.refuse(target, request.body, request.content_type)
        self._check_harmless(request)
        name = Name(target.tenant, target.database, body.name)
        existing = catalogue.by_name(name)
        if existing is None:
            if (why := find_panic(request.body)) is not None:
                return self._refuse(request, BadRequestError(why))
            return self._create(request, name)
        if existing.changing is not None:
            return existing.changing
        return self._find(request, name, existing, is_wanted=bool(body.get_or_create))

    async def _find(
        self, request: WriteRequest, name: Name, existing: Collection, *, is_wanted: bool
    ) -> Answer | None:
        """Answer a create whose name is taken; None when that has changed meanwhile."""
        refusal = await self._lookups.refusal(request.target, request.body, request.content_type)
        if refusal is not None:
            return refusal
        if self._tail.catalogue.by_name(name) is not existing or existing.changing is not None:
            return None
        if is_wanted:
            return await self._lookups.collection(existing)
        raise ConflictError(f"Collection [{name.name}] already exists")

    async def _refuse(self, request: WriteRequest, reason: RequestError) -> Answer:
        """Refuse a create or change for its body first, as Chroma does, then for our reason."""
        answer = await self._lookups.refusal(request.target, request.body, request.content_type)
        if answer is not None:
            return answer
        raise reason

    def _create(self, request: WriteRequest, name: Name) -> _Plan:
        self._check_log()
        catalogue = self._tail.catalogue
        collection = catalogue.reserve(name)
        entry = self._entry(request, collection)
        entry.after = catalogue.freed_by(name)
        collection.changing = entry
        return _Plan(collection, entry, collection.as_birth())

    def _decide_namespace(self, request: WriteRequest) -> _Plan | Entry:
        """Plan the write of a tenant or database; with a database all that is inside goes first.

        The collections are dropped in their own lanes, and each instance ends the database when it
        has applied that, so that no lane goes on in a database that is gone.
        """
        self._check_log()
        target, catalogue = request.target, self._tail.catalogue
        if target.action is Kind.CREATE_DATABASE:
            body = payloads.decode_create(request.body)
            if body is not None and body.name == CANARY_DATABASE:
                raise BadRequestError(f"database name [{body.name}] is reserved; use another one")
        if target.action is Kind.DROP_DATABASE:
            inside = catalogue.inside(target.tenant, target.database)
            for collection in inside:
                self._check_unprotected(collection, "deleted")
            changing = next((c.changing for c in inside if c.changing is not None), None)
            if changing is not None:
                return changing
            for collection in inside:
                name = collection.name
                drop = Target(Kind.DROP, name.tenant, name.database, name.name)
                self._submit(self._decide_drop(request.instead(drop), collection))
        return _Plan(catalogue.namespaces, self._entry(request, catalogue.namespaces))

    def _decide_modify(
        self, request: WriteRequest, collection: Collection
    ) -> _Plan | Coroutine[Any, Any, Answer]:
        self._check_log()
        body = payloads.decode_modify(request.body)
        new_name = body.new_name if body else None
        entry = self._entry(request, collection)
        if new_name is None or new_name == collection.name.name:
            return _Plan(collection, entry)
        self._check_unprotected(collection, "renamed")
        name = Name(collection.name.tenant, collection.name.database, new_name)
        holder = self._tail.catalogue.by_name(name)
        if holder is not None and holder is not collection:
            return self._refuse(request, ConflictError(f"Collection [{new_name}] already exists"))
        self._tail.catalogue.reserve_rename(collection, name, entry)
        entry.new_name = new_name
        entry.after = self._tail.catalogue.freed_by(name)
        return _Plan(collection, entry)

    def _decide_drop(self, request: WriteRequest, collection: Collection) -> _Plan:
        self._check_log()
        self._check_unprotected(collection, "deleted")
        entry = self._entry(request, collection)
        if collection.state is not CollectionState.ACTIVE:
            return _Plan(collection, entry)
        collection.changing = entry
        return _Plan(collection, entry, collection.as_change(CollectionState.DROPPING))

    def _entry(self, request: WriteRequest, collection: Collection) -> Entry:
        target = request.target
        assert isinstance(target.action, Kind)
        if target.action in OF_NAMESPACES:
            path = target.namespace_path
        else:
            name = collection.name
            own = Target(target.action, name.tenant, name.database, name.name, target.rest)
            is_create = target.action is Kind.CREATE
            path = (
                f"{own.database_path}/collections" if is_create else own.collection_path(name.name)
            )
        return Entry(
            transaction_id=request.id,
            lane_id=collection.id,
            kind=target.action,
            path=path,
            body=request.body,
            content_type=request.content_type,
            fingerprint=request.fingerprint,
            body_bytes=len(request.body),
            session=request.session,
            share=request.share,
        )

    def _submit(self, plan: _Plan) -> None:
        """Queue the entry; nothing has been awaited since it was decided."""
        entry, collection = plan.entry, plan.collection
        self._wal.submit(
            entry,
            deliver=lambda: self._tail.add(collection, entry),
            undo=lambda: self._take_back(collection, entry),
            change=plan.change,
        )
        if entry.share is not None:
            entry.share.keep()
        self._tail.register(entry)

    def _take_back(self, collection: Collection, entry: Entry) -> None:
        """Undo what was assumed of an entry that the log refused; who waits for it looks again."""
        self._tail.settle_names(collection, entry)
        self._tail.unregister(entry)
        entry.settled.set()

    def _check_harmless(self, request: WriteRequest) -> None:
        assert isinstance(request.target.action, Kind)
        if (why := find_poison(request.target.action, request.body)) is not None:
            raise BadRequestError(why)

    def _check_log(self) -> None:
        if not self._wal.is_available:
            raise LogUnavailableError("the log cannot be written now; nothing was done, try again")

    def _check_unprotected(self, collection: Collection, verb: str) -> None:
        if collection.name.name in self._protected:
            raise ProtectedCollectionError(
                f"Collection [{collection.name.name}] is protected and cannot be {verb}"
            )


def can_be_logged(name: str) -> bool:
    """Tell whether PostgreSQL can hold the name; what it cannot, Chroma refuses as well."""
    return "\0" not in name

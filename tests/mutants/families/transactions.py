"""Mutants of what clients are told of a write later, and when they repeat it."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from lb import transaction_log, wal_rounds, writes
from lb.errors import LogUnavailableError, NotFoundError
from lb.model import Answer
from lb.payloads import error_body
from lb.transactions import Transaction
from lb.write_request import WriteRequest
from tests.mutants.patches import EveryNth, Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.ONCE, "busy", "exactly-once")
def transaction_id_ignored(patches: Patches) -> None:
    """Every request is a new write, also one that repeats a Transaction-ID."""
    seen: set[str] = set()

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.id in seen:
            misbehaved(f"takes {request.id} anew")
        seen.add(request.id)
        answer: Answer = await original(
            self, replace(request, transaction_id=None, fallback_id=str(uuid4()))
        )
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.ONCE, "busy", "exactly-once")
def repetition_answered_otherwise(patches: Patches) -> None:
    """A repeated Transaction-ID is refused as a conflict instead of getting its outcome."""
    seen: set[str] = set()

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.id in seen:
            misbehaved(f"refuses {request.id}")
            return Answer(409, error_body("Conflict", "this transaction was seen before"))
        seen.add(request.id)
        answer: Answer = await original(self, request)
        return answer

    original = patches.replace(writes.Writes, "write", write)


@mutant(Promise.OUTCOMES_KNOWN, "quiet-with-errors", "transactions")
def refused_though_logged(patches: Patches) -> None:
    """Now and then 503 is answered for a write that is logged, and nobody knows its transaction."""
    due = EveryNth(6)
    denied: set[str] = set()

    async def write(self: writes.Writes, request: WriteRequest) -> Answer:
        if request.id in denied:
            raise LogUnavailableError("the log cannot be written now; nothing was done")
        answer: Answer = await original(self, request)
        if not due():
            return answer
        misbehaved(f"denies {request.id}")
        denied.add(request.id)
        raise LogUnavailableError("the log cannot be written now; nothing was done")

    async def find(self: transaction_log.TransactionLog, transaction_id: str) -> Transaction:
        if transaction_id in denied:
            raise NotFoundError(f"transaction {transaction_id} is not in the log")
        found: Transaction = await original_find(self, transaction_id)
        return found

    original = patches.replace(writes.Writes, "write", write)
    original_find = patches.replace(transaction_log.TransactionLog, "find", find)


@mutant(Promise.OUTCOMES_KNOWN, "quiet", "log-drained")
def outcomes_not_recorded(patches: Patches) -> None:
    """What became of writes is kept in memory only."""

    async def write(connection: Any, progress: Any) -> None:
        settled = [p for p in progress if p.settlement is not None]
        if settled:
            misbehaved(f"does not record {len(settled)} outcomes")
        await original(connection, [replace(p, settlement=None) for p in progress])

    original = patches.replace(wal_rounds, "_write_outcomes_and_cursors", write)

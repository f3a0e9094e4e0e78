"""Transactions as clients see them: a record of each, its state, and which ones are asked for.

Pure values; where they are read from is the business of `transaction_log`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from lb.model import Answer, Entry


class TransactionState(StrEnum):
    """What became of a write, in the words of `GET /transactions/{id}`."""

    ATTEMPTING = "ATTEMPTING"
    """Without an outcome yet; the log will settle it."""
    COMPLETED = "COMPLETED"
    """Applied, and nobody was told to wait for it."""
    FAILED = "FAILED"
    """Certainly not applied: the request was refused with a 4xx."""
    RECOVERED = "RECOVERED"
    """Applied after a client was told to wait, or after a restart before it was answered."""


def state_of(outcome: Answer | None, told_to_wait: bool) -> TransactionState:
    """Derive the state; an outcome never changes, so COMPLETED, FAILED and RECOVERED are final."""
    if outcome is None:
        return TransactionState.ATTEMPTING
    if not outcome.is_success:
        return TransactionState.FAILED
    return TransactionState.RECOVERED if told_to_wait else TransactionState.COMPLETED


@dataclass(frozen=True, slots=True)
class Transaction:
    """One write of a client. `attempts` counts the requests that were sent until the outcome."""

    id: str
    position: int
    kind: str
    path: str
    collection_id: UUID
    session: str
    attempts: int
    logged_at: datetime
    settled_at: datetime | None
    told_to_wait: bool
    outcome: Answer | None

    @property
    def state(self) -> TransactionState:
        """What became of it."""
        return state_of(self.outcome, self.told_to_wait)

    @property
    def seconds(self) -> float | None:
        """How long it took from being logged to its outcome."""
        if self.settled_at is None:
            return None
        return max(0.0, (self.settled_at - self.logged_at).total_seconds())

    def summary(self) -> dict[str, Any]:
        """Return what a listing shows; `status` is that of the outcome."""
        seconds = self.seconds
        return {
            "transaction_id": self.id,
            "state": self.state.value,
            "status": self.outcome.status if self.outcome else None,
            "kind": self.kind,
            "path": self.path,
            "collection_id": str(self.collection_id),
            "session": self.session,
            "position": self.position,
            "attempts": self.attempts,
            "told_to_wait": self.told_to_wait,
            "logged_at": self.logged_at.isoformat(),
            "settled_at": self.settled_at.isoformat() if self.settled_at else None,
            "seconds": None if seconds is None else round(seconds, 3),
        }

    def details(self) -> dict[str, Any]:
        """Return the summary and the stored body of the outcome."""
        return {**self.summary(), "body": readable(self.outcome.body) if self.outcome else None}


def readable(body: bytes) -> msgspec.Raw | str:
    """Return a body as the JSON that it is, or else as text."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")
    return msgspec.Raw(body)


def of_entry(entry: Entry) -> Transaction:
    """Describe an entry that is in memory."""
    return Transaction(
        id=entry.transaction_id,
        position=entry.position,
        kind=entry.kind.value,
        path=entry.path,
        collection_id=entry.lane_id,
        session=entry.session,
        attempts=entry.attempts,
        logged_at=entry.logged_at,
        settled_at=entry.settled_at,
        told_to_wait=entry.told_to_wait,
        outcome=entry.outcome,
    )


@dataclass(frozen=True)
class Wanted:
    """Which transactions a listing asks for; None does not restrict. `lane_ids` may be empty."""

    limit: int
    state: TransactionState | None = None
    lane_ids: frozenset[UUID] | None = None
    session: str | None = None
    since: datetime | None = None

    def includes(self, transaction: Transaction) -> bool:
        """Tell whether a transaction is asked for; the same rule stands in queries.sql."""
        return (
            self.state in (None, transaction.state)
            and (self.lane_ids is None or transaction.collection_id in self.lane_ids)
            and self.session in (None, transaction.session)
            and (self.since is None or transaction.logged_at >= self.since)
        )

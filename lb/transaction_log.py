"""Transactions looked up: what is in memory decides, and PostgreSQL remembers the rest."""

from uuid import UUID

from lb.errors import NotFoundError
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.transactions import Transaction, TransactionState, Wanted, of_entry


class TransactionLog:
    """Answers what is true at that moment.

    Invariant it rests on: an entry leaves memory only after its outcome is committed. So what
    PostgreSQL holds without an outcome is in memory, and what it holds with one is final.
    """

    def __init__(self, tail: LogTail, reader: LogReader) -> None:
        self._tail = tail
        self._reader = reader

    async def find(self, transaction_id: str) -> Transaction:
        """Return a transaction; raises `NotFoundError` and `LogUnavailableError`."""
        entry = self._tail.by_transaction(transaction_id)
        if entry is not None:
            return of_entry(entry)
        stored = await self._reader.transaction(transaction_id)
        # It may have been logged while PostgreSQL was asked.
        entry = self._tail.by_transaction(transaction_id)
        if entry is not None:
            return of_entry(entry)
        if stored is None:
            raise NotFoundError(
                f"transaction {transaction_id} is not in the log, so its request was not taken "
                "(or longer ago than the log reaches back)"
            )
        return stored

    async def list(self, wanted: Wanted) -> list[Transaction]:
        """Return what is asked for, newest first; raises `LogUnavailableError`."""
        entries = set(self._tail.entries())
        stored: list[Transaction] = []
        if wanted.state is not TransactionState.ATTEMPTING:
            stored = await self._reader.settled_transactions(wanted)
        entries.update(self._tail.entries())
        found = {each.position: each for each in stored}
        # Those that the log refused meanwhile were settled without an outcome.
        alive = [each for each in entries if each.outcome or not each.settled.is_set()]
        found |= {each.position: of_entry(each) for each in alive}
        chosen = [found[key] for key in sorted(found, reverse=True) if wanted.includes(found[key])]
        return chosen[: wanted.limit]

    async def lanes_called(self, reference: str) -> frozenset[UUID]:
        """Return the ids of all collections, past ones too, of a name or an id."""
        present = {c.id for c in self._tail.catalogue if reference in (c.name.name, str(c.id))}
        return frozenset(present | await self._reader.collections_called(reference))

"""Owns which writes one client sends a second time, and when. Sends nothing itself.

Only a load balancer that answers with the `Transaction-ID` it was given is asked to know it again:
any other one would rightly take the repetition for a new write.
"""

import random
from dataclasses import dataclass

from harness.client.api import Request
from harness.model.operation import Addressing, Completion, Operation

TRANSACTION_HEADER = "Transaction-ID"

_SHARE = 0.1
_LATEST_AFTER = 8


@dataclass(frozen=True)
class Sent:
    """A write that was sent, and the beginning of the answer to it."""

    request: Request
    operation: Operation
    body: str


class Repeats:
    """The writes of one client that are due to be repeated; the seed decides which, and when.

    A share of the acknowledged ones, at once or some operations later, when others may have
    changed the same documents; and each one in doubt. Never one that failed: it may not happen.
    """

    def __init__(self, seed: int, process: str) -> None:
        self._random = random.Random(f"{seed}/{process}/repeats")  # noqa: S311 (reproducible)
        self._known = False
        self._due: list[tuple[int, Sent]] = []

    def note(self, sent: Sent, answered_id: str) -> None:
        """Take in a completed operation, and the transaction id that its answer carried."""
        operation = sent.operation
        self._due = [(after - 1, each) for after, each in self._due]
        wanted = self._random.random() < _SHARE
        after = self._random.choice((0, self._random.randint(1, _LATEST_AFTER)))
        if not operation.kind.is_write or operation.addressing is Addressing.NAME:
            return
        self._known |= answered_id == operation.transaction_id != ""
        if operation.completion is Completion.INFO:
            self._due.append((max(after, 1), sent))
        elif operation.completion is Completion.OK and wanted:
            self._due.append((after, sent))

    def next_due(self) -> Sent | None:
        """Give the write to repeat now, if there is one."""
        for entry in self._due if self._known else ():
            if entry[0] <= 0:
                self._due.remove(entry)
                return entry[1]
        return None

"""Owns the questions of a run at rest: to the load balancer, to its log, and searches everywhere.

What an answer is worth is for the checkers to say; here each is only recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from harness.client.instance_reader import InstanceReader
from harness.client.lb_voice import MAPPINGS, STATUS, TRANSACTIONS, WAL_STATUS, LbVoice
from harness.client.log_reader import LogReader
from harness.client.searches import search_instance
from harness.model.history import HistoryWriter
from harness.model.operation import Addressing, Completion, Operation

_MOST_TRANSACTIONS = 1_000


@dataclass(frozen=True)
class Inspection:
    """Asks everything once; nobody writes any more."""

    log: HistoryWriter
    voice: LbVoice
    log_reader: LogReader | None
    readers: Sequence[InstanceReader]

    async def inspect(self) -> None:
        """Record all answers."""
        for path in (WAL_STATUS, STATUS, MAPPINGS):
            self.log.append(await self.voice.ask(path, at_rest=True))
        if self.log_reader is not None:
            self.log.append(await self.log_reader.sample(at_rest=True))
            for row in await self.log_reader.rows():
                self.log.append(row)
        await self._ask_for_transactions()
        for reader in self.readers:
            for search in await search_instance(reader, self.log.history.header.seed):
                self.log.append(search)

    async def _ask_for_transactions(self) -> None:
        """Ask what became of an acknowledged write, and if that is told, of each one in doubt."""
        for operation in asked_for(self.log.history.operations):
            path = f"{TRANSACTIONS}/{quote(operation.transaction_id, safe='')}"
            answer = await self.voice.ask(path, at_rest=True)
            self.log.append(answer)
            if operation.completion is Completion.OK and answer.status != 200:
                return


def asked_for(operations: Sequence[Operation]) -> list[Operation]:
    """Choose the writes to ask for: one that was acknowledged, then those in doubt."""
    writes = [
        operation
        for operation in operations
        if operation.kind.is_write
        and operation.addressing in (Addressing.IDS, Addressing.WHERE)
        and operation.transaction_id
    ]
    known = [operation for operation in writes if operation.completion is Completion.OK]
    doubted = [operation for operation in writes if operation.completion is Completion.INFO]
    return [*known[-1:], *doubted[:_MOST_TRANSACTIONS]]

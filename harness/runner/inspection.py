"""Owns the questions of a run at rest: to the load balancer, to its log, and searches everywhere.

What an answer is worth is for the checkers to say; here each is only recorded.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.checkers.answers import content_of, is_count
from harness.checkers.health_figures import HEALTHY, RECOVER_NS
from harness.client.instance_reader import InstanceReader
from harness.client.lb_voice import MAPPINGS, STATUS, TRANSACTIONS, WAL_STATUS, LbVoice
from harness.client.log_reader import LogReader
from harness.client.searches import search_instance
from harness.errors import HarnessError
from harness.model.history import HistoryWriter
from harness.model.observation import LbAnswer
from harness.model.operation import Addressing, Completion, Operation
from harness.polling import poll_until

_MOST_TRANSACTIONS = 1_000
_INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class Inspection:
    """Asks everything once; nobody writes any more."""

    log: HistoryWriter
    voice: LbVoice
    log_reader: LogReader | None
    readers: Sequence[InstanceReader]

    async def inspect(self) -> None:
        """Record all answers."""
        await self._sample()
        self.log.append(await self.voice.ask(WAL_STATUS, at_rest=True))
        await self._sample()
        self.log.append(await self._status())
        self.log.append(await self.voice.ask(MAPPINGS, at_rest=True))
        if self.log_reader is not None:
            for row in await self.log_reader.rows():
                self.log.append(row)
        await self._ask_for_transactions()
        for reader in self.readers:
            for search in await search_instance(reader, self.log.history.header.seed):
                self.log.append(search)

    async def _sample(self) -> None:
        if self.log_reader is not None:
            self.log.append(await self.log_reader.sample(at_rest=True))

    async def _status(self) -> LbAnswer:
        """Ask until all instances are said to be healthy, or there was time enough to find out."""
        last = await self.voice.ask(STATUS, at_rest=True)

        async def see() -> bool:
            nonlocal last
            if not _shows_less_than(len(self.readers), last):
                return True
            last = await self.voice.ask(STATUS, at_rest=True)
            return False

        # When the time is over, the last answer is what there is.
        with suppress(HarnessError):
            await poll_until(see, RECOVER_NS / 1e9, HarnessError, _INTERVAL_SECONDS)
        return last

    async def _ask_for_transactions(self) -> None:
        """Ask what became of an acknowledged write, and if that is told, of each one in doubt."""
        for operation in asked_for(self.log.history.operations):
            path = f"{TRANSACTIONS}/{quote(operation.transaction_id, safe='')}"
            answer = await self.voice.ask(path, at_rest=True)
            self.log.append(answer)
            if operation.completion is Completion.OK and answer.status != 200:
                return


def _shows_less_than(count: int, answer: LbAnswer) -> bool:
    """Tell whether an answer makes sense and shows fewer healthy instances than there are."""
    shown: Any = content_of(answer).get(HEALTHY)
    return is_count(shown) and shown < count


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

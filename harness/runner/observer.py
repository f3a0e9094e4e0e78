"""Owns what the harness watches during a run: the log, the load balancer's word, the instances.

Everything is recorded as it was seen, and so is what cannot be read. Nothing here ends a run.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.client.instance_reader import InstanceReader
from harness.client.lb_voice import STATUS, WAL_STATUS, LbVoice
from harness.client.log_reader import LogReader
from harness.errors import InstanceReadError
from harness.model.collection import label_of
from harness.model.history import HistoryWriter
from harness.model.observation import InstanceSample

_INTERVAL_SECONDS = 1.0
# An instance is read one collection at a time, so that watching costs it little.
_INSTANCE_INTERVAL_SECONDS = 2.0
_MOST_DOCUMENTS = 2_000
# A look that takes long, at a long log above all, is taken seldom.
_SHARE_OF_TIME = 10


@dataclass(frozen=True)
class Observer:
    """Watches until told to stop; `log_reader` is None where there is no database to read."""

    log: HistoryWriter
    voice: LbVoice
    log_reader: LogReader | None
    readers: Sequence[InstanceReader]
    clock: Callable[[], int]

    async def watch(self, over: asyncio.Event) -> None:
        """Record samples until `over` is set."""
        async with asyncio.TaskGroup() as watches:
            watches.create_task(self._watch_figures(over), name="watch figures")
            for reader in self.readers:
                watches.create_task(self._watch_instance(reader, over), name=f"watch {reader.name}")

    async def _watch_figures(self, over: asyncio.Event) -> None:
        """Ask in turn for the truth and for what the load balancer makes of it."""
        while not over.is_set():
            began_ns = self.clock()
            if self.log_reader is not None:
                self.log.append(await self.log_reader.sample())
            took_seconds = (self.clock() - began_ns) / 1e9
            for path in (WAL_STATUS, STATUS):
                self.log.append(await self.voice.ask(path))
            await _pause(over, max(_INTERVAL_SECONDS, _SHARE_OF_TIME * took_seconds))

    async def _watch_instance(self, reader: InstanceReader, over: asyncio.Event) -> None:
        known: dict[str, dict[str, str]] = {}
        turn = 0
        while not over.is_set():
            began_ns = self.clock()
            self.log.append(await self._look(reader, known, turn))
            turn += 1
            took_seconds = (self.clock() - began_ns) / 1e9
            await _pause(over, max(_INSTANCE_INTERVAL_SECONDS, _SHARE_OF_TIME * took_seconds))

    async def _look(
        self, reader: InstanceReader, known: dict[str, dict[str, str]], turn: int
    ) -> InstanceSample:
        """Read one of the instance's collections, each in its turn."""
        asked_ns = self.clock()
        name, held = "", dict[str, str]()
        try:
            collections = sorted((await reader.collections()).items(), key=lambda each: each[0])
            small = [each for each in collections if len(known.get(each[0], ())) <= _MOST_DOCUMENTS]
            if small:
                name, collection = small[turn % len(small)]
                held = await reader.tokens_in(collection.id)
        except InstanceReadError as error:
            return InstanceSample(
                instance=reader.name, asked_ns=asked_ns, answered_ns=self.clock(), error=str(error)
            )
        before = known.get(name, {})
        known[name] = held
        return InstanceSample(
            instance=reader.name,
            asked_ns=asked_ns,
            answered_ns=self.clock(),
            collection=label_of(name),
            documents=len(held),
            changed={
                document_id: held.get(document_id, "")
                for document_id in sorted(before.keys() | held.keys())
                if before.get(document_id, "") != held.get(document_id, "")
            },
        )


async def _pause(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return

"""The write-ahead log: one session of PostgreSQL that appends entries and records progress.

All that waits goes into one commit (group commit). The session holds the lock that makes this
load balancer the active one, so that only the active one can write. It never talks to instances.

    submit --> queue --> round: insert entries, cursors, outcomes, mappings --> COMMIT --> wake
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import asyncpg

from lb.database import CONNECTION_ERRORS, Database, all_rows, queries
from lb.errors import LeadershipLostError, LogSetBackError, LogUnavailableError
from lb.failpoints import reach
from lb.leader import Lead, take_lead
from lb.model import CollectionChange, Entry, Progress
from lb.wal_queue import Append, Note, WalQueue
from lb.wal_rounds import write_appends, write_progress

log = logging.getLogger(__name__)

RECONNECT_SECONDS = 0.2
CONTENT_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What PostgreSQL says of values that it cannot hold; the session lives on."""


class Wal:
    """Appends and progress, in order, each durable when its coroutine returns.

    Invariant: an entry is either delivered, in position order, or refused (its undo is called),
    and then certainly not in the log. While a COMMIT is in doubt it is neither, until settled.
    """

    def __init__(self, database: Database, lead: Lead, clock: Callable[[], float]) -> None:
        self._database = database
        self._lead = lead
        self._clock = clock
        self._connection: asyncpg.Connection[Any] | None = None
        self._queue = WalQueue()
        self._doubtful: list[Append] = []
        self._closing = False
        self._ended = asyncio.Event()
        self._epoch = 0
        self._next_position = 1
        self._committed = 0
        self.commits = 0
        self.appended = 0
        self.on_commit: Callable[[float, int], None] = lambda _seconds, _entries: None
        self.delivering: Callable[[], AbstractContextManager[None]] = nullcontext
        """Surrounds the delivery of all that one commit made durable."""

    @property
    def is_available(self) -> bool:
        """Whether the log can take a write now, as far as we know."""
        return self._connection is not None and not self._doubtful and not self._closing

    @property
    def is_lead_confirmed(self) -> bool:
        """Whether PostgreSQL has confirmed recently that nobody else is active."""
        return self._lead.is_confirmed

    @property
    def waiting(self) -> int:
        """How many appends and notes wait for a commit."""
        return len(self._queue) + len(self._doubtful)

    def adopt(self, connection: "asyncpg.Connection[Any]", epoch: int, last_position: int) -> None:
        """Start on a session that holds the lock, with the log's end."""
        self._connection = connection
        self._lead.confirm(self._clock())
        self._epoch = epoch
        self._committed = last_position
        self._next_position = last_position + 1
        connection.add_termination_listener(self._on_terminated)

    def submit(
        self,
        entry: Entry,
        deliver: Callable[[], None],
        undo: Callable[[], None],
        change: CollectionChange | None = None,
    ) -> Append:
        """Give the entry its position and queue it; does not wait.

        Raises `LogUnavailableError` at once, before anything was assumed, when PostgreSQL is away.
        """
        if not self.is_available:
            raise LogUnavailableError("the log cannot be written now; nothing was done, try again")
        entry.position = self._next_position
        self._next_position += 1
        append = Append(entry, deliver, undo, change)
        self._queue.append(append)
        return append

    async def record(self, *progress: Progress) -> None:
        """Return when all of the progress is durable, however long PostgreSQL is away."""
        note = Note(progress)
        self._queue.note(note)
        await note.written.wait()

    async def record_soon(self, *progress: Progress) -> None:
        """Do the same, but leave it to the next commit for a moment: nothing waits for it yet.

        A client that writes one thing after another then has its last outcome and its next write
        in one commit, instead of the next write wait for the commit of the last outcome.
        """
        note = Note(progress)
        self._queue.note_soon(note)
        await note.written.wait()

    async def run(self) -> None:
        """Write round after round until `close`.

        Raises `LeadershipLostError`, or `LogSetBackError` when PostgreSQL has lost commits.
        """
        while True:
            if self._connection is None:
                await self._reconnect()
            if not await self._queue.is_due(at_once=self._closing):
                if self._closing:
                    self._ended.set()
                    return
                await self._idle(self._connection)
                continue
            await self._round()

    async def _idle(self, connection: "asyncpg.Connection[Any] | None") -> None:
        """Wait for work; now and then ask whether the session, and so the lock, is still ours."""
        if await self._queue.wait(self._lead.limit_seconds / 4) or connection is None:
            return
        asked_at = self._clock()
        try:
            await self._check_epoch(connection)
        except CONNECTION_ERRORS as error:
            log.warning("lost the log: %s: %s", type(error).__name__, error)
            self._lose(connection)
            self._queue.refuse()
        else:
            self._lead.confirm(asked_at)

    def close(self) -> None:
        """Refuse appends from now on, and let `run` end when the queue is empty."""
        self._closing = True
        self._queue.wake()

    async def drained(self) -> None:
        """Return when `run` has written all that was queued, at once if it never ran."""
        if self._epoch:
            await self._ended.wait()

    async def release(self, *, is_clean: bool) -> None:
        """End the session, and with it the lock; `is_clean` when no write is in flight."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                if is_clean:
                    await queries.note_clean_end(connection)
                await connection.close(timeout=1)
            except CONNECTION_ERRORS:
                connection.terminate()

    async def _round(self) -> None:
        """Write what waits; what PostgreSQL refuses for its content is found and refused.

        Entries that come while progress is being written join the round: clients that have just
        been answered write again at once.
        """
        notes, appends = self._queue.take_notes(), list[Append]()
        try:
            await self._commit(appends, notes, is_open=True)
        except CONTENT_ERRORS as error:
            log.warning("a round of %s appends was refused: %s", len(appends), error)
            await self._commit([], notes)
            for append in appends:
                await self._commit_alone(append)

    async def _commit_alone(self, append: Append) -> None:
        """Write one append of a round that failed; if it was the culprit, only it is refused."""
        try:
            await self._commit([append], [])
        except CONTENT_ERRORS as error:
            log.warning("%s cannot be logged: %s", append.entry, error)
            append.undo()

    async def _commit(
        self, appends: list[Append], notes: list[Note], *, is_open: bool = False
    ) -> None:
        """Commit, and deliver; after a lost session nothing is delivered, and `run` reconnects.

        `is_open`: what comes meanwhile is added to both lists. Raises one of `CONTENT_ERRORS`, and
        then nothing was written.
        """
        connection = self._connection
        if connection is None:
            self._queue.put_back(notes)
            self._queue.refuse(*appends)
            return
        committing, asked_at = False, self._clock()
        try:
            transaction = connection.transaction()
            await transaction.start()
            try:
                # Progress first: a drop that is appended now comes after an older state.
                await write_progress(connection, _progress_of(notes))
                if is_open:
                    more, late = self._queue.take()
                    appends += more
                    notes += late
                    await write_progress(connection, _progress_of(late))
                await reach("before-append", *(append.entry for append in appends))
                await write_appends(connection, [(a.entry, a.change) for a in appends])
            except CONTENT_ERRORS:
                await transaction.rollback()
                raise
            await reach("before-commit", *(append.entry for append in appends))
            await _reach_cursors(notes)
            committing = True
            await transaction.commit()
            await reach("after-append", *(append.entry for append in appends))
        except CONTENT_ERRORS:
            raise
        except CONNECTION_ERRORS as error:
            log.warning("lost the log: %s: %s", type(error).__name__, error)
            self._lose(connection)
            self._queue.put_back(notes)
            if committing:
                self._doubtful = appends
                appends = []
            self._queue.refuse(*appends)
            return
        self.commits += 1
        self.on_commit(self._clock() - asked_at, len(appends))
        self._lead.confirm(asked_at)
        self._deliver(appends)
        for note in notes:
            note.written.set()

    def _deliver(self, appends: list[Append]) -> None:
        self.appended += len(appends)
        if appends:
            self._committed = max(self._committed, appends[-1].entry.position)
        with self.delivering():
            for append in appends:
                append.deliver()
        if appends:
            # One of them may have to wait, in its lane, for what was noted meanwhile.
            self._queue.hasten()

    def _lose(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = None
        self._lead.lose()
        connection.remove_termination_listener(self._on_terminated)
        connection.terminate()

    def _on_terminated(self, connection: object) -> None:
        if connection is self._connection:
            log.warning("the session of the log ended")
            self._connection = None
            self._lead.lose()
            self._queue.refuse()
            self._queue.wake()

    async def _reconnect(self) -> None:
        """Get the lock back on a new session, then settle what the old one left in doubt.

        Holding the lock proves that the old session has ended, so what it did is final.
        """
        while self._connection is None:
            try:
                connection = await self._database.connect()
            except CONNECTION_ERRORS:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            try:
                await take_lead(connection, self._database.application_name, self._check_epoch)
                asked_at = self._clock()
                await self._check_epoch(connection)
                await self._check_end(connection)
                positions = [append.entry.position for append in self._doubtful]
                rows = await all_rows(queries.logged_positions(connection, positions=positions))
                logged = {row["position"] for row in rows}
            except CONNECTION_ERRORS:
                connection.terminate()
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self._settle(logged)
            connection.add_termination_listener(self._on_terminated)
            self._connection = connection
            self._lead.confirm(asked_at)
            log.warning("the log is back")

    async def _check_epoch(self, connection: "asyncpg.Connection[Any]") -> None:
        epoch = await queries.current_epoch(connection)
        if epoch < self._epoch:
            raise LogSetBackError("the log is older than this load balancer's own start")
        if epoch != self._epoch:
            raise LeadershipLostError("another load balancer has become active; start again")

    async def _check_end(self, connection: "asyncpg.Connection[Any]") -> None:
        """Find out whether what was committed is still there: a standby may never have had it."""
        end = await queries.last_position(connection)
        if end < self._committed:
            raise LogSetBackError(
                f"the log ended at position {self._committed} and ends at {end} now: PostgreSQL "
                "has lost commits, as a standby does that was behind when it took over"
            )

    def _settle(self, logged: set[int]) -> None:
        doubtful, self._doubtful = self._doubtful, []
        present = [append for append in doubtful if append.entry.position in logged]
        absent = [append for append in doubtful if append.entry.position not in logged]
        self._queue.refuse(*absent)
        self._deliver(present)


def _progress_of(notes: list[Note]) -> list[Progress]:
    return [each for note in notes for each in note.progress]


async def _reach_cursors(notes: list[Note]) -> None:
    for advance in (each.advance for each in _progress_of(notes)):
        if advance is not None and advance.entry is not None:
            await reach("before-cursor", advance.entry, instance=advance.instance)

"""The load generator, a process of its own: a closed loop over connections that stay open.

    python -m bench.load < order.json > outcome.json

Every loop is bounded by a time and a count, and only loopback addresses are taken.
"""

import asyncio
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import uvloop

from bench import requests
from bench.connection import Connection, Reply
from bench.order import Order, Outcome, Sort

_LOOPBACK = "127.0.0.1"
_BUSY = 503
_MOST_PAUSE_SECONDS = 2.0
# So long does a client wait whose connection broke: a server that is gone is not asked in a rush.
_BROKEN_PAUSE_SECONDS = 0.1
# How long after the end of the window the last answers are waited for.
_LAST_ANSWERS_SECONDS = 30.0
_MOST_BROKEN_IN_A_ROW = 20


@dataclass
class _Tally:
    latencies_ns: "array[int]" = field(default_factory=lambda: array("q"))
    statuses: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    refused: int = 0
    began_ns: int = 0
    ended_ns: int = 0


class _Line:
    """A client's way to the server: its connection, opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: Connection | None = None

    async def connect(self) -> Connection:
        """Give the open connection; raises `OSError`."""
        if self._connection is None or self._connection.is_closed:
            self._connection = await Connection.open(_LOOPBACK, self._port)
        return self._connection

    async def exchange(self, request: bytes) -> Reply:
        """Send a request and return its answer; raises `OSError`."""
        return await (await self.connect()).exchange(request)

    def close(self) -> None:
        """Close at once."""
        if self._connection is not None:
            self._connection.close()


class Generator:
    """Sends what one order says."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._requests = _source(order)
        self._left = order.count if order.count is not None else sys.maxsize
        self._tally = _Tally()
        self._start_ns = self._stop_ns = 0

    async def run(self) -> Outcome:
        """Send until the time or the count is over."""
        order = self._order
        lines = [_Line(order.port) for _ in range(order.clients)]
        for line in lines:
            await line.connect()
        began_cpu, began_ns = time.process_time(), time.perf_counter_ns()
        self._start_ns = began_ns + int(order.warmup_seconds * 1e9)
        self._stop_ns = self._start_ns + int(order.window_seconds * 1e9)
        self._tally.began_ns = self._start_ns
        whole_seconds = order.warmup_seconds + order.window_seconds + _LAST_ANSWERS_SECONDS
        try:
            async with asyncio.timeout(whole_seconds), asyncio.TaskGroup() as clients:
                for number, line in enumerate(lines):
                    clients.create_task(self._client(line), name=f"client {number}")
        except TimeoutError:
            self._note_failure("no answer in time")
        spent = time.perf_counter_ns() - began_ns
        return self._outcome((time.process_time() - began_cpu) / (spent / 1e9))

    async def _client(self, line: "_Line") -> None:
        """Send one request after another; give up when the server cannot be reached any more."""
        broken_in_a_row = 0
        while self._left > 0 and not self._is_over and broken_in_a_row < _MOST_BROKEN_IN_A_ROW:
            self._left -= 1
            request = next(self._requests)
            sent_ns = time.perf_counter_ns()
            try:
                reply = await self._send(line, request)
            except OSError as error:
                broken_in_a_row += 1
                self._note_failure(type(error).__name__)
                await asyncio.sleep(_BROKEN_PAUSE_SECONDS)
            else:
                broken_in_a_row = 0
                self._note(reply, sent_ns, time.perf_counter_ns())
        line.close()

    async def _send(self, line: "_Line", request: bytes) -> Reply:
        """Send a request and, where the order says so, send it again until it is taken.

        A server that refuses a body before it has read it may close the connection, or break it.
        """
        broken = 0
        while True:
            try:
                reply = await line.exchange(request)
            except OSError:
                broken += 1
                if not self._order.retries or self._is_over or broken == _MOST_BROKEN_IN_A_ROW:
                    raise
                pause_seconds = _BROKEN_PAUSE_SECONDS
            else:
                if reply.status != _BUSY or not self._order.retries or self._is_over:
                    return reply
                broken = 0
                told = float(reply.headers.get(b"retry-after", b"1"))
                pause_seconds = min(told, _MOST_PAUSE_SECONDS)
            self._tally.refused += 1
            await asyncio.sleep(pause_seconds)

    @property
    def _is_over(self) -> bool:
        return time.perf_counter_ns() >= self._stop_ns

    def _note(self, reply: Reply, sent_ns: int, answered_ns: int) -> None:
        if not self._start_ns <= answered_ns <= self._stop_ns:
            return
        if reply.status >= 300:
            self._note_failure(str(reply.status))
            return
        self._tally.latencies_ns.append(answered_ns - sent_ns)
        self._tally.ended_ns = answered_ns

    def _note_failure(self, what: str) -> None:
        self._tally.failed += 1
        self._tally.statuses[what] = self._tally.statuses.get(what, 0) + 1

    def _outcome(self, cpu_share: float) -> Outcome:
        tally, order = self._tally, self._order
        seconds = order.window_seconds
        if order.count is not None:
            seconds = max(0, tally.ended_ns - tally.began_ns) / 1e9
        ordered = sorted(tally.latencies_ns)
        return Outcome(
            completed=len(ordered),
            failed=tally.failed,
            refused=tally.refused,
            seconds=seconds,
            cpu_share=cpu_share,
            p50_ms=quantile_ms(ordered, 0.5),
            p95_ms=quantile_ms(ordered, 0.95),
            p99_ms=quantile_ms(ordered, 0.99),
            most_ms=quantile_ms(ordered, 1.0),
            statuses=tally.statuses,
        )


def quantile_ms(ordered_ns: list[int], share: float) -> float:
    """Give the nearest-rank quantile of sorted nanoseconds; 0 for none."""
    if not ordered_ns:
        return 0.0
    rank = min(len(ordered_ns) - 1, int(share * len(ordered_ns)))
    return ordered_ns[rank] / 1e6


def _source(order: Order) -> Iterator[bytes]:
    embeddings = requests.vectors(order.seed, order.dimension)
    match order.sort:
        case Sort.ADD:
            return requests.adds(
                order.collections,
                order.prefix,
                order.documents_per_request,
                embeddings,
                are_named=order.retries,
            )
        case Sort.QUERY:
            return requests.queries(order.collections, embeddings)
        case Sort.GET:
            return requests.gets(order.collections)


def main() -> int:
    """Read an order, carry it out, write the outcome."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    outcome = uvloop.run(Generator(order).run())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())

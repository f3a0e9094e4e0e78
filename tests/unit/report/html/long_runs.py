"""Makes a run as long as one likes: the invocations of the real CMS workload, answered by a dict.

Written by the real writer of histories, so that its bytes are those that a run of a day has.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.checkers import availability
from harness.model.cost import CostSample
from harness.model.fault_window import FaultWindow
from harness.model.history import (
    CLIENTS_STOPPED,
    PHASE_STARTED,
    Event,
    Header,
    HistoryWriter,
    Limits,
    Milestone,
)
from harness.model.observation import LbAnswer, LogRow, LogSample
from harness.model.operation import Completion, Invocation, Kind, Operation
from harness.runner.run_directory import RunDirectory, verdict_file
from harness.workloads.registry import invocations_of
from harness.workloads.settings import WorkloadSettings

SEED = 7
SECOND = 1_000_000_000
ORIGIN_NS = 1_000 * SECOND
COLLECTIONS = tuple(f"AUTOTEST_{SEED}_files_{n}" for n in (1, 2, 3))
CLIENTS = tuple(f"client-{n}" for n in range(1, 21))
SERVERS = ("primary", "replica", "postgres", "lb")
RATE = 200.0
FOUND = 10
FAULT = (0.4, 0.5)
"""When the fault is, as parts of the run."""


class Store:
    """What is stored, by collection and file, and the answers that it gives."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._files: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)

    def answer(self, asked: Invocation) -> tuple[str, ...]:
        """Carry it out, and give the tokens that it observes."""
        files = self._files[asked.collection]
        if asked.kind is Kind.GET:
            return files.get(asked.file, ())
        if asked.kind is Kind.QUERY:
            names = self._chance.choices(list(files), k=FOUND - 1)
            return (*asked.tokens, *(self._chance.choice(files[name]) for name in names))
        file = asked.file or asked.ids[0].rpartition("/")[0]
        if asked.kind is Kind.DELETE:
            files.pop(file, None)
        else:
            files[file] = asked.tokens
        return ()


def operations(count: int) -> Iterator[Operation]:
    """Give so many operations, in the order of their intended starts."""
    chance = random.Random(SEED)
    store = Store(chance)
    settings = WorkloadSettings(operations_per_second=RATE)
    clients = {name: invocations_of(settings, name, SEED, COLLECTIONS) for name in CLIENTS}
    for index in range(count):
        process = CLIENTS[index % len(CLIENTS)]
        asked = next(clients[process])
        intended_ns = ORIGIN_NS + round(index / RATE * SECOND)
        invoked_ns = intended_ns + chance.randrange(20_000, 4_000_000)
        is_disturbed = FAULT[0] * count < index < FAULT[1] * count
        took_ms = chance.lognormvariate(2.2, 0.5) * (8 if is_disturbed else 1)
        is_lost = is_disturbed and chance.random() < 0.02
        transaction = uuid.UUID(int=chance.getrandbits(128), version=4)
        yield Operation(
            **msgspec.structs.asdict(asked),
            process=process,
            number=index // len(CLIENTS) + 1,
            phase="chaos",
            completion=Completion.INFO if is_lost else Completion.OK,
            intended_ns=intended_ns,
            invoked_ns=invoked_ns,
            completed_ns=invoked_ns + round(took_ms * 1e6) + chance.randrange(1000),
            transaction_id=str(transaction) if asked.kind.is_write else "",
            http_status=503 if is_lost else 201 if asked.kind is Kind.ADD else 200,
            error="no instance could take it" if is_lost else "",
            observed=() if is_lost else store.answer(asked),
        )


def write_long_run(path: Path, count: int) -> RunDirectory:
    """Write all files of a run with so many operations."""
    directory = RunDirectory(path)
    directory.create()
    header = Header(
        scenario="scheduled",
        seed=SEED,
        dimensions=64,
        prefix=f"AUTOTEST_{SEED}_",
        limits=Limits(failed_operations=None),
        faults=("kill primary",),
    )
    with HistoryWriter(directory.history, header) as log:
        for record in records(count):
            log.append(record)
    directory.describe({"scenario": "scheduled", "seed": SEED, "command": "made by a test"})
    verdicts = (availability.check(log.history, ()),)
    directory.verdict.write_bytes(verdict_file(log.history, verdicts))
    directory.samples.write_bytes(
        b"".join(msgspec.json.encode(cost) + b"\n" for cost in costs(count))
    )
    return directory


def records(count: int) -> Iterator[Event]:
    """Give the operations, and each second what is observed beside them."""
    yield Milestone(name=PHASE_STARTED, at_ns=ORIGIN_NS, detail="chaos")
    begin_ns, end_ns = (ORIGIN_NS + round(part * count / RATE * SECOND) for part in FAULT)
    written: list[Operation] = []
    for index, operation in enumerate(operations(count)):
        if index % RATE == 0:
            at_ns = operation.intended_ns
            is_down = begin_ns < at_ns < end_ns
            yield from observations(at_ns, index, is_down=is_down)
        yield operation
        if operation.transaction_id:
            written.append(operation)
    yield FaultWindow(
        index=0,
        fault="kill primary",
        target="primary",
        injected_ns=begin_ns,
        effect_observed_ns=begin_ns + SECOND // 10,
        effect_evidence="connections are refused",
        healed_ns=end_ns,
        heal_observed_ns=end_ns + SECOND // 4,
        heal_evidence="it answers",
    )
    last_ns = max(operation.completed_ns for operation in written)
    yield Milestone(name=CLIENTS_STOPPED, at_ns=last_ns)
    yield from log_rows(written)


def observations(at_ns: int, index: int, *, is_down: bool) -> Iterator[Event]:
    """Give what the load balancer and its log say at a moment."""
    pending = {"primary": index % 997 if is_down else 0, "replica": 0}
    yield LogSample(
        asked_ns=at_ns, answered_ns=at_ns + 1_000_000, is_log=True, entries=index, pending=pending
    )
    rows = [
        {"name": name, "state": "DOWN" if is_down and name == "primary" else "UP"}
        for name in ("primary", "replica")
    ]
    body = msgspec.json.encode({"instances": rows}).decode()
    yield LbAnswer(
        path="/status", asked_ns=at_ns, answered_ns=at_ns + 2_000_000, status=200, body=body
    )


def log_rows(written: list[Operation]) -> Iterator[LogRow]:
    """Give the log as it is at rest, which is read up to a limit."""
    for position, operation in enumerate(written[:50_000], start=1):
        micros = operation.completed_ns // 1000 % 60_000_000
        at = f"2026-01-01T00:00:{micros // 1_000_000:02}.{micros % 1_000_000:06}+00:00"
        yield LogRow(
            position=position,
            transaction_id=operation.transaction_id,
            collection=operation.collection,
            kind=operation.kind,
            logged_at=at,
            settled_at=at,
            status=200,
            attempts=1,
            applied_on=("primary", "replica"),
        )


def costs(count: int) -> Iterator[CostSample]:
    """Give what each server costs, each second."""
    chance = random.Random(SEED)
    for second in range(round(count / RATE)):
        for server in SERVERS:
            yield CostSample(
                at_ns=ORIGIN_NS + second * SECOND,
                server=server,
                rss_bytes=80_000_000 + second * 10_000 + chance.randrange(5_000_000),
                cpu_seconds=second * 0.3 + chance.random() * 0.1,
            )

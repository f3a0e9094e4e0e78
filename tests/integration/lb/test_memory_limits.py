"""Use case 4: what many clients send at once fits into the memory that there is.

The load balancer runs in a control group of 400 MB from its first instruction on. The figures are
logged (`pytest --log-cli-level=INFO`); docs/bounds.md quotes them.
"""

import asyncio
import base64
import json
import logging
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from harness.labs.memory import why_no_memory_limits
from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, create, eventually, is_quiet

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(bool(why_no_memory_limits()), reason=why_no_memory_limits()),
]

log = logging.getLogger(__name__)

GROUP_BYTES = 400 << 20
COLLECTION_COUNT = 10

# The process puts itself into the group, and becomes the load balancer there.
JOIN_AND_START = """
import os, sys
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "lb"])
"""


@dataclass(frozen=True)
class Group:
    """A control group of the kernel with a memory limit."""

    path: Path

    def figure(self, name: str) -> int:
        return int((self.path / f"memory.{name}").read_text())


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    path = Path(f"/sys/fs/cgroup/memory/chroma-lb-test-{os.getpid()}")
    path.mkdir()
    (path / "memory.limit_in_bytes").write_text(str(GROUP_BYTES))
    yield Group(path)
    path.rmdir()


@pytest_asyncio.fixture(loop_scope="module")
async def lab(tmp_path: Path, group: Group) -> AsyncIterator[ProcessLab]:
    """A lab for each test, because the peak of a process is that of its whole life."""
    command = (sys.executable, "-c", JOIN_AND_START, str(group.path / "cgroup.procs"))
    lab = ProcessLab(ProcessLabSettings(tmp_path, lb_command=command, lb_ready_path="/health"))
    (group.path / "memory.max_usage_in_bytes").write_text("0")
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


def resident_peak(lab: ProcessLab) -> int:
    """Return the most memory, in bytes, that the load balancer has ever had."""
    identity = lab.processes()["lb"].identity
    assert identity is not None
    lines = Path(f"/proc/{identity.pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) << 10


class Ingestion:
    """Clients that add bodies, and come back when they are told to."""

    def __init__(self, lb: httpx.AsyncClient, lab: ProcessLab, group: Group) -> None:
        self._lb, self._lab, self._group = lb, lab, group
        self._began = time.monotonic()
        self.sent_again = 0

    async def add(self, number: int, pieces: list[bytes]) -> None:
        """Add one body, however often that takes; the same transaction is never applied twice."""
        path = f"{COLLECTIONS}/files-{number % COLLECTION_COUNT}/add"
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(sum(map(len, pieces))),
            "Transaction-ID": f"t{number}",
        }

        async def content() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        while True:
            answer = await self._lb.post(path, content=content(), headers=headers)
            if answer.status_code != 503:
                assert answer.status_code == 201, answer.text
                return
            self.sent_again += 1
            await asyncio.sleep(float(answer.headers["Retry-After"]))

    async def end(self, what: str, documents: int) -> None:
        """Wait until both instances have all, and print what it took."""
        answered = time.monotonic() - self._began
        await eventually(lambda: is_quiet(self._lb), "no backlog is left", 60)
        seconds = time.monotonic() - self._began
        memory = (await self._lb.get("/status")).json()["memory"]
        log.info(
            f"{what}: answered in {answered:.1f} s, on both instances after {seconds:.1f} s "
            f"({documents / seconds:.0f} documents/s); peak memory "
            f"{resident_peak(self._lab) / 1e6:.0f} MB resident, "
            f"{self._group.figure('max_usage_in_bytes') / 1e6:.0f} MB in the group; "
            f"sent again after a 503: {self.sent_again}; memory at the end: {memory}"
        )
        assert memory["bodies_bytes"] == 0
        assert memory["limit_bytes"] == GROUP_BYTES
        assert self._group.figure("failcnt") == 0
        for instance in self._lab.instances:
            assert await documents_on(instance.url) == documents


async def documents_on(url: str) -> int:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        counts = []
        for number in range(COLLECTION_COUNT):
            uuid = (await client.get(f"{COLLECTIONS}/files-{number}")).json()["id"]
            counts.append(int((await client.get(f"{COLLECTIONS}/{uuid}/count")).text))
    return sum(counts)


async def in_parallel(clients: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for client in range(clients):
            tasks.create_task(work(client), name=f"client {client}")


@pytest_asyncio.fixture(loop_scope="module")
async def ingestion(lab: ProcessLab, group: Group) -> AsyncIterator[Ingestion]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=120, limits=limits) as lb:
        for number in range(COLLECTION_COUNT):
            await create(lb, f"files-{number}")
        yield Ingestion(lb, lab, group)


async def test_128_bodies_of_5_megabytes_at_once_take_less_than_300_megabytes(
    lab: ProcessLab, ingestion: Ingestion
) -> None:
    """Their bulk is in a field that Chroma reads and does not store, which would take minutes."""
    text = base64.b64encode(random.Random(5).randbytes(3_750_000))

    async def add_one(client: int) -> None:
        head = b'{"ids":["d%d"],"embeddings":[[1.0,2.0]],"unknown":"' % client
        await ingestion.add(client, [head, text, b'"}'])

    await in_parallel(128, add_one)

    await ingestion.end("128 bodies of 5 MB at once", 128)
    assert resident_peak(lab) <= 300_000_000


FILES, CHUNKS, CLIENTS = 500, 50, 32


async def test_500_files_by_32_clients_are_ingested_within_the_limit(
    ingestion: Ingestion,
) -> None:
    chance = random.Random(5)
    vectors = [json.dumps([chance.uniform(-1, 1) for _ in range(384)]) for _ in range(200)]
    texts = [" ".join(f"{chance.getrandbits(28):x}" for _ in range(125)) for _ in range(200)]

    def file(number: int) -> bytes:
        rows = [chance.randrange(200) for _ in range(CHUNKS)]
        columns = {
            "ids": json.dumps([f"file{number}-{chunk}" for chunk in range(CHUNKS)]),
            "embeddings": f"[{','.join(vectors[row] for row in rows)}]",
            "documents": json.dumps([texts[row] for row in rows]),
            "metadatas": json.dumps([{"file": number, "chunk": n} for n in range(CHUNKS)]),
        }
        return ("{" + ",".join(f'"{name}":{text}' for name, text in columns.items()) + "}").encode()

    waiting = iter(range(FILES))

    async def add_files(_: int) -> None:
        for number in waiting:
            await ingestion.add(number, [file(number)])

    await in_parallel(CLIENTS, add_files)

    await ingestion.end("500 files of 50 chunks by 32 clients", FILES * CHUNKS)

"""Real Chroma servers that fail every write: one that is poisoned, one whose disk is full."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import (
    COLLECTIONS,
    add,
    create,
    eventually,
    ids_in,
    ids_on_instances,
    is_quiet,
)

LANES = 5
DISK_BYTES = 24 << 20


@pytest_asyncio.fixture(loop_scope="module")
async def own_lab(tmp_path: Path) -> AsyncIterator[ProcessLab]:
    """A lab for one test: what is broken here does not heal."""
    lab = ProcessLab(ProcessLabSettings(tmp_path))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


class Writers:
    """One client for each of several collections, each writing as fast as it is answered."""

    def __init__(self, lb: httpx.AsyncClient) -> None:
        self._lb = lb
        self.names = [f"lane-{number}" for number in range(LANES)]
        self.answers: dict[str, list[httpx.Response]] = {name: [] for name in self.names}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        for name in self.names:
            await create(self._lb, name)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for name in self.names:
                tasks.create_task(self._write(name, stop))
            try:
                await eventually(lambda: self.written(3), "writes succeed")
                yield
            finally:
                stop.set()

    async def written(self, count: int) -> bool:
        return all(len(each) >= count for each in self.answers.values())

    async def go_on(self) -> None:
        so_far = {name: len(each) for name, each in self.answers.items()}

        async def each_wrote() -> bool:
            assert self.statuses() == {201}, self._refused()
            return all(len(self.answers[name]) >= so_far[name] + 3 for name in self.names)

        await eventually(each_wrote, "writes go on", 30)

    def _refused(self) -> list[str]:
        answers = (answer for each in self.answers.values() for answer in each)
        return [answer.text for answer in answers if answer.status_code != 201]

    def slowest(self) -> float:
        return max(each.elapsed.total_seconds() for a in self.answers.values() for each in a)

    def statuses(self) -> set[int]:
        return {each.status_code for answers in self.answers.values() for each in answers}

    async def _write(self, name: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            answers = self.answers[name]
            answers.append(await add(self._lb, name, f"doc{len(answers)}"))
            if answers[-1].status_code != 201:
                return


@contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """Put a directory on a small file system of its own; skips where that is refused."""
    kept = directory.with_name(f"{directory.name}-kept")
    shutil.copytree(directory, kept)
    options = ("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory))
    mounted = subprocess.run(("mount", *options), capture_output=True, check=False, text=True)
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        shutil.copytree(kept, directory, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(directory)), check=True)


def fill(path: Path) -> None:
    """Write until there is no space left."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


async def state(lb: httpx.AsyncClient, name: str) -> dict[str, Any]:
    instances = (await lb.get("/admin/instances")).json()["instances"]
    return dict(next(each for each in instances if each["name"] == name))


async def is_down(lb: httpx.AsyncClient) -> bool:
    return (await state(lb, "primary"))["state"] == "DOWN"


async def test_a_poisoned_instance_takes_no_other_with_it(own_lab: ProcessLab) -> None:
    """The load balancer cannot know which of the writes in flight did it: it sends none of them."""
    url = own_lab.instances[0].url
    async with (
        httpx.AsyncClient(base_url=own_lab.lb_url, timeout=30) as lb,
        httpx.AsyncClient(base_url=url, timeout=30) as direct,
    ):
        await eventually(lambda: is_quiet(lb), "it is active")
        await create(lb, "idle-lane")
        poisoned = await create(direct, "poisoned-directly")
        writers = Writers(lb)
        async with writers.writing():
            body = {
                "ids": ["poison"],
                "embeddings": [[1.0]],
                "metadatas": [{"chroma:document": 5}],
            }
            answer = await direct.post(f"{COLLECTIONS}/{poisoned}/add", json=body)
            assert (answer.status_code, "compactor" in answer.text) == (500, True)
            await eventually(lambda: is_down(lb), "the primary is out of service")
            cause = (await state(lb, "primary"))["cause"]
            assert "a canary write failed: HTTP 500" in cause

        # Every lane ended with a success after the failure, or is held for an administrator.
        held = await quarantined(lb)
        assert {each["instance"] for e in held for each in e["failures"]} <= {"primary"}
        told = {
            answers[-1].headers["Transaction-ID"]
            for answers in writers.answers.values()
            if answers[-1].status_code == 503
        }
        assert told == {each["transaction_id"] for each in held}
        assert writers.statuses() <= {201, 503}
        assert (await add(lb, "idle-lane", "doc")).status_code == 201
        assert (await state(lb, "replica"))["state"] == "UP"
        for each in held:
            path = f"/admin/quarantine/{each['transaction_id']}/release"
            assert (await lb.post(path)).status_code == 200
        await eventually(lambda: has_all(lb, writers), "all is on the replica")


async def test_a_collection_that_breaks_on_one_instance_costs_one_write_a_decision(
    own_lab: ProcessLab,
) -> None:
    """The server takes writes to other collections, so a canary elsewhere shows nothing."""
    url = own_lab.instances[0].url
    async with (
        httpx.AsyncClient(base_url=own_lab.lb_url, timeout=30) as lb,
        httpx.AsyncClient(base_url=url, timeout=30) as direct,
    ):
        await eventually(lambda: is_quiet(lb), "it is active")
        await create(lb, "fragile")
        await create(lb, "sound")
        assert (await add(lb, "fragile", "first")).status_code == 201
        await eventually(lambda: is_quiet(lb), "both have it")
        uuid = (await direct.get(f"{COLLECTIONS}/fragile")).json()["id"]
        numbers = {"numbers": list(range(20_000))}
        body = {"ids": ["strange"], "embeddings": [[1.0, 2.0]], "metadatas": [numbers]}
        broken = await direct.post(f"{COLLECTIONS}/{uuid}/add", json=body)
        assert (broken.status_code, "compaction" in broken.text) == (500, True)

        # Compaction of what is broken takes long, so that the replica would be asked as well.
        force = "/admin/instances/replica/health"
        await lb.post(force, json={"healthy": False, "duration_seconds": 600})
        assert (await add(lb, "fragile", "suspect")).status_code == 503
        await lb.post(force, json={"healthy": True, "duration_seconds": 1})
        (held,) = await eventually(lambda: quarantined(lb), "it is quarantined")
        assert [each["instance"] for each in held["failures"]] == ["primary"]
        assert "compaction" in held["reason"]
        assert (await add(lb, "sound", "doc")).status_code == 201
        path = f"/admin/quarantine/{held['transaction_id']}/release"
        assert (await lb.post(path)).status_code == 200
        assert (await add(lb, "fragile", "later")).status_code == 201
        assert await ids_in(lb, "fragile") == ["first", "suspect", "later"]


async def quarantined(lb: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await lb.get("/wal/quarantine")).json()["quarantined"])


async def has_all(lb: httpx.AsyncClient, writers: Writers) -> bool:
    counts = {name: len(await ids_in(lb, name)) for name in writers.names}
    return counts == {name: len(answers) for name, answers in writers.answers.items()}


@pytest.mark.alone
async def test_a_full_disk_fails_no_write_and_the_instance_catches_up_when_there_is_space(
    own_lab: ProcessLab,
) -> None:
    directory = (own_lab.run_directory / "data" / "primary").resolve()
    async with httpx.AsyncClient(base_url=own_lab.lb_url, timeout=30) as lb:
        await eventually(lambda: is_quiet(lb), "it is active")
        await own_lab.kill("primary")
        with small_disk(directory):
            await own_lab.restart("primary")
            await eventually(lambda: is_quiet(lb), "the primary is on the small disk", 20)
            writers = Writers(lb)
            async with writers.writing():
                await asyncio.to_thread(fill, directory / "filling")
                await eventually(lambda: is_avoided(lb), "the primary is out of service", 20)
                await writers.go_on()
            assert writers.statuses() == {201}
            assert writers.slowest() < 5.0
            assert (await lb.get("/wal/quarantine")).json()["count"] == 0

            (directory / "filling").unlink()
            # Chroma 1.5.9 answers no write any more until it is started again.
            await own_lab.kill("primary")
            await own_lab.restart("primary")
            await eventually(lambda: is_quiet(lb), "both instances are well", 60)
            for name, answers in writers.answers.items():
                found = await ids_on_instances(own_lab, name)
                assert found["primary"] == found["replica"]
                assert len(found["primary"]) == len(answers)
            await own_lab.kill("primary")


async def is_avoided(lb: httpx.AsyncClient) -> bool:
    return not (await state(lb, "primary"))["healthy"]

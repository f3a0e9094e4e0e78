"""READ_CONSISTENCY: strong reads never go to an instance that is behind, eventual ones may."""

import sys
from pathlib import Path

import httpx
import pytest

from harness.labs.processes import ProcessLab, ProcessLabSettings
from lb.reads import READS_IN_A_ROW
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, ids_in, is_quiet


async def make_replica_refuse(lab: ProcessLab, name: str) -> None:
    """Give the replica's collection another dimension: healthy, it cannot apply what comes."""
    url = next(each.url for each in lab.instances if each.name == "replica")
    async with httpx.AsyncClient(base_url=url) as replica:
        uuid = (await replica.get(f"{COLLECTIONS}/{name}")).json()["id"]
        body = {"ids": ["foreign"], "embeddings": [[1, 2, 3]]}
        assert (await replica.post(f"{COLLECTIONS}/{uuid}/add", json=body)).is_success


@pytest.mark.parametrize(
    ("consistency", "seen"), [("strong", {("a",)}), ("eventual", {("a",), ("foreign",)})]
)
async def test_reads_go_where_the_setting_allows(
    tmp_path: Path, consistency: str, seen: set[tuple[str, ...]]
) -> None:
    command = ("env", f"READ_CONSISTENCY={consistency}", sys.executable, "-m", "lb")
    lab = ProcessLab(ProcessLabSettings(tmp_path / "lab", lb_command=command))
    await lab.start()
    try:
        async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as lb:
            await create(lb, "lagging")
            await eventually(lambda: is_quiet(lb), "both instances have the collection")
            await make_replica_refuse(lab, "lagging")
            assert (await add(lb, "lagging", "a")).status_code == 201
            found = {tuple(await ids_in(lb, "lagging")) for _ in range(2 * READS_IN_A_ROW)}
            assert (await lb.get("/status")).json()["healthy_instances"] == 2
        assert found == seen
    finally:
        await lab.stop()

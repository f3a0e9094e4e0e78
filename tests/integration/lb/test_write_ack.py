"""WRITE_ACK=all: an acknowledged write is on every healthy instance when the client hears of it."""

import sys
from pathlib import Path

import httpx

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import add, create, eventually, ids_on_instances, is_quiet


async def test_an_acknowledged_write_is_on_all_instances_and_one_that_is_away_holds_up_nothing(
    tmp_path: Path,
) -> None:
    command = ("env", "WRITE_ACK=all", sys.executable, "-m", "lb")
    lab = ProcessLab(ProcessLabSettings(tmp_path / "lab", lb_command=command))
    await lab.start()
    try:
        async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as lb:
            await create(lb, "everywhere")
            written: list[str] = []
            for number in range(20):
                written.append(f"d{number}")
                assert (await add(lb, "everywhere", written[-1])).status_code == 201
                for held in (await ids_on_instances(lab, "everywhere")).values():
                    assert held == written
            await lab.kill("replica")
            assert (await add(lb, "everywhere", "alone")).status_code == 201
            await lab.restart("replica")
            await eventually(lambda: is_quiet(lb), "the replica has caught up", 20)
            found = await ids_on_instances(lab, "everywhere")
            assert set(map(tuple, found.values())) == {(*written, "alone")}
    finally:
        await lab.stop()

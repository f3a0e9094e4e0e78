"""What the load balancer says of itself is true: figures, metrics, events and log lines."""

import json
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, ids_in, is_quiet

DOCUMENT = Path(__file__).parents[3] / "docs" / "observability.md"
LOUD = ("env", "ACCESS_LOG=true", "LOG_FORMAT=json", sys.executable, "-m", "lb")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    """A lab whose load balancer logs all that it can, as JSON."""
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab"), lb_command=LOUD))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


async def status_of(lb: httpx.AsyncClient, instance: str) -> dict[str, Any]:
    rows = (await lb.get("/status")).json()["instances"]
    return next(row for row in rows if row["name"] == instance)


async def metrics_of(lb: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families((await lb.get("/metrics")).text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def log_lines(lab: ProcessLab) -> list[dict[str, Any]]:
    whole, _, _ = lab.log_path("lb").read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


async def test_the_lag_of_an_instance_is_the_age_of_what_it_lacks(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "lagging")
    await eventually(lambda: is_quiet(lb), "nothing is pending")
    assert (await status_of(lb, "replica"))["lag_seconds"] == 0
    await lab.kill("replica")
    asked_at = datetime.now(UTC)
    assert (await add(lb, "lagging", "a")).status_code == 201
    answered_at = datetime.now(UTC)

    async def lags() -> bool:
        before = datetime.now(UTC)
        said = (await status_of(lb, "replica"))["lag_seconds"]
        least = (before - answered_at).total_seconds()
        most = (datetime.now(UTC) - asked_at).total_seconds()
        assert least - 0.001 <= said <= most + 0.001
        return said > 0.3

    async def does_not_lag() -> bool:
        """An acknowledged entry is pending until the cursor past it is committed."""
        return (await status_of(lb, "primary"))["lag_seconds"] == 0

    await eventually(lags, "the replica lags")
    await eventually(does_not_lag, "the primary lacks nothing")


async def test_transitions_are_listed_with_their_times_and_causes(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    began = datetime.now(UTC)
    await lab.kill("replica")

    async def is_down() -> bool:
        return (await status_of(lb, "replica"))["state"] == "DOWN"

    await eventually(is_down, "the replica is down")
    listed = (await lb.get("/status")).json()["last_transitions"]
    newest = next(each for each in listed if each["instance"] == "replica")
    row = await status_of(lb, "replica")
    assert (newest["to"], newest["at"]) == ("DOWN", row["since"])
    assert began <= datetime.fromisoformat(newest["at"]) <= datetime.now(UTC)
    assert re.search(r"\.\d{3}\+", newest["at"]), "to the millisecond"
    assert [each["number"] for each in listed] == list(range(listed[0]["number"], 0, -1))
    counted = (await metrics_of(lb))[
        "chroma_lb_transitions_total", frozenset([("instance", "replica")])
    ]
    assert counted == row["transitions"]


async def test_requests_are_counted_and_timed_by_kind_and_status(lb: httpx.AsyncClient) -> None:
    def counts(metrics: dict[Any, float]) -> list[float]:
        return [
            metrics[
                "chroma_lb_request_seconds_count", frozenset({("kind", kind), ("status", status)})
            ]
            for kind, status in (
                ("write", "2xx"),
                ("write", "4xx"),
                ("read", "2xx"),
                ("read", "4xx"),
            )
        ]

    before = counts(await metrics_of(lb))
    await create(lb, "counted")
    for number in range(3):
        assert (await add(lb, "counted", f"d{number}")).status_code == 201
    nonsense = await lb.post(f"{COLLECTIONS}/counted/add", json={"ids": "d"})
    assert 400 <= nonsense.status_code < 500
    await ids_in(lb, "counted")
    assert (await lb.get(f"{COLLECTIONS}/nowhere")).status_code == 404
    after = counts(await metrics_of(lb))

    assert [late - early for late, early in zip(after, before, strict=True)] == [4, 1, 1, 1]
    latency = (await lb.get("/status")).json()["latency_seconds"]
    assert 0 < latency["write"]["p50"] <= latency["write"]["p95"] <= latency["write"]["max"] < 30


async def test_throughput_is_what_clients_did(lb: httpx.AsyncClient) -> None:
    await create(lb, "busy")
    for number in range(20):
        await add(lb, "busy", f"d{number}")
        await ids_in(lb, "busy")

    async def is_seen() -> bool:
        throughput = (await lb.get("/status")).json()["throughput"]
        return throughput["writes_per_second"] >= 2 and throughput["requests_per_second"] >= 4

    await eventually(is_seen, "twenty writes in ten seconds are two a second", 5)


async def test_every_metric_is_documented_and_nothing_else(lb: httpx.AsyncClient) -> None:
    families = text_string_to_metric_families((await lb.get("/metrics")).text)
    documented = re.findall(r"^\| `chroma_lb_(\w+)`", DOCUMENT.read_text(), re.MULTILINE)

    assert sorted(documented) == sorted(f.name.removeprefix("chroma_lb_") for f in families)


@pytest.mark.alone
async def test_watchers_get_a_snapshot_at_once_and_hear_of_a_change(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    async with lb.stream("GET", "/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        snapshots = (json.loads(line[6:]) async for line in lines_of(stream))
        first = await anext(snapshots)
        assert {row["state"] for row in first["instances"]} == {"UP"}
        assert len(first["history"]["reads"]) == 120
        path, body = "/admin/instances/replica/health", {"healthy": False, "duration_seconds": 0.5}
        assert (await lb.post(path, json=body)).status_code == 200
        async for snapshot in snapshots:
            if snapshot["instances"][1]["state"] == "DOWN":
                break
        at = datetime.fromisoformat(snapshot["last_transitions"][0]["at"])
        made = datetime.fromisoformat(snapshot["generated_at"])
        assert (made - at).total_seconds() < 0.1


async def lines_of(stream: httpx.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            yield line


async def test_the_page_allows_no_script_but_its_own(lb: httpx.AsyncClient) -> None:
    page = await lb.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    files = set(re.findall(r'(?:href|src)="(/page/[^"]+)"', page.text))
    assert files == {"/page/page.css", "/page/page.js", "/page/icon.svg"}
    for file in files:
        assert (await lb.get(file)).status_code == 200
    assert "://" not in page.text


async def test_each_request_is_one_line_of_json_with_its_transaction(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "logged")
    headers = {"Transaction-ID": "seen-in-the-log", "Client-Session": "editor 7"}
    body = {"ids": ["a"], "embeddings": [[1.0]]}
    path = f"{COLLECTIONS}/logged/add?secret=1"
    assert (await lb.post(path, json=body, headers=headers)).status_code == 201

    async def find() -> list[dict[str, Any]]:
        return [line for line in log_lines(lab) if line.get("transaction_id") == "seen-in-the-log"]

    (line,) = await eventually(find, "the line of the request")
    assert (line["logger"], line["level"], line["method"]) == ("lb.access_log", "info", "POST")
    assert (line["status"], line["session"]) == (201, "editor 7")
    assert line["path"] == f"{COLLECTIONS}/logged/add"
    assert 0 < line["milliseconds"] < 30_000
    assert line["bytes"] > len("{}")
    assert "secret" not in lab.log_path("lb").read_text()

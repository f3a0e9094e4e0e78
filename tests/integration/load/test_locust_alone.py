"""locust by itself against a URL: its history is judged as any other, thresholds end it."""

import asyncio
import signal
from pathlib import Path

import pytest

from harness.checkers.judge import judge
from harness.client.instance_reader import InstanceReader
from harness.client.lb_figures import pending_entries
from harness.errors import HarnessError
from harness.labs.administration import CLIENT_TOKEN_VARIABLE
from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab, ProcessLabSettings
from harness.load.figures import most_at_once
from harness.model.final_state import FinalState
from harness.model.history import CLIENTS_STOPPED, History, read_history
from harness.model.operation import Completion, Kind
from harness.model.verdict import Outcome
from harness.polling import poll_until
from tests.integration.labs.waiting import wait_until
from tests.integration.load.locust_process import run, start

pytestmark = [pytest.mark.real, pytest.mark.alone]

# Without the lb's figures, and a rest that a run waits for, these are what there is to judge.
JUDGED = (
    "durability",
    "resurrection",
    "phantom",
    "linearizability",
    "read-your-writes",
    "availability",
)


async def finals(lab: ProcessLab, prefix: str) -> list[FinalState]:
    async def is_drained() -> bool:
        return await pending_entries(lab.lb_url) == 0

    await poll_until(is_drained, 20.0, lambda: HarnessError("the log was not drained"))
    states = []
    for instance in lab.instances:
        async with InstanceReader(instance.name, instance.url, prefix) as reader:
            states.append(await reader.final_state())
    return states


def outcomes(lab: ProcessLab, history: History) -> dict[str, Outcome]:
    verdicts = judge(history, asyncio.run(finals(lab, history.header.prefix)))
    return {v.checker: v.outcome for v in verdicts if v.checker in JUDGED}


def test_a_load_leaves_a_history_that_checkers_judge_and_keeps_its_thresholds(
    lab: ProcessLab, tmp_path: Path
) -> None:
    options = ("--users", "8", "-t", "5s", "--shape", "spike", "--rate-per-user", "4")
    load = run("cms", lab.lb_url, tmp_path / "load", *options, "--seed", "11")
    assert load.exit_code == 0, load.output
    history = load.history
    assert outcomes(lab, history) == dict.fromkeys(JUDGED, Outcome.PASS)
    phases = list(dict.fromkeys(operation.phase for operation in history.operations))
    assert phases == ["1: 1 user", "2: 8 users", "3: 1 user"]
    assert {o.completion for o in history.operations} == {Completion.OK}
    assert all(o.intended_ns <= o.invoked_ns < o.completed_ns for o in history.operations)


def test_uploads_create_collections_at_once_and_end_before_their_time(
    lab: ProcessLab, tmp_path: Path
) -> None:
    options = ("--users", "5", "--documents", "20", "--rate-per-user", "0", "--seed", "12")
    load = run("upload", lab.lb_url, tmp_path / "load", *options, "-t", "50s")
    assert load.exit_code == 0, load.output
    operations = load.history.operations
    creates = [o for o in operations if o.kind is Kind.CREATE]
    assert len({o.collection for o in creates}) == 5
    assert most_at_once(creates) >= 3
    assert sum(len(o.ids) for o in operations if o.kind is Kind.ADD) == 100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--max-p95-ms", "0.1"), "threshold missed: p95 in ms"),
        (("--min-rate", "100000"), "threshold missed: requests per second"),
    ],
)
def test_a_threshold_that_is_missed_is_told_and_sets_the_exit_code(
    lab: ProcessLab, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    load = run("search", lab.lb_url, tmp_path / "load", "--users", "2", "-t", "2s", *options)
    assert load.exit_code == 1
    assert said in load.output


def test_requests_that_nobody_takes_are_failures_and_in_the_history_as_such(
    tmp_path: Path,
) -> None:
    load = run("cms", "http://127.0.0.1:9", tmp_path / "load", "--users", "2", "-t", "2s")
    assert load.exit_code == 1
    assert "threshold missed: fail ratio is 1" in load.output
    assert {o.completion for o in load.history.operations} == {Completion.FAIL}


def test_the_client_token_is_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ProcessLabSettings(
        tmp_path / "lab", lb_ready_path="/health", lb_environment={"CLIENT_TOKEN": "secret"}
    )
    lab = ProcessLab(settings)
    asyncio.run(lab.start())
    try:
        refused = run("cms", lab.lb_url, tmp_path / "without", "--users", "1", "-t", "2s")
        monkeypatch.setenv(CLIENT_TOKEN_VARIABLE, "secret")
        served = run("cms", lab.lb_url, tmp_path / "with", "--users", "1", "-t", "2s")
    finally:
        asyncio.run(lab.stop())
    assert {o.completion for o in refused.history.operations} == {Completion.FAIL}
    assert served.exit_code == 0, served.output
    assert {o.completion for o in served.history.operations} == {Completion.OK}


def test_a_load_that_is_told_to_end_finishes_its_requests_and_its_history(
    lab: ProcessLab, tmp_path: Path
) -> None:
    directory = tmp_path / "load"
    options = ("--headless", "--host", lab.lb_url, "--run-directory", str(directory))
    process = start("cms", *options, "--users", "8", "-t", "60s", "--rate-per-user", "0")
    path = directory / "history.jsonl"
    try:
        wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") > 30, 20.0, str)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, output
    history = read_history(path)
    assert {o.completion for o in history.operations} == {Completion.OK}
    assert history.milestone(CLIENTS_STOPPED) is not None


def test_a_directory_that_holds_a_run_is_refused(lab: ProcessLab, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("a run\n")
    load = run("cms", lab.lb_url, tmp_path, "-t", "2s")
    assert load.exit_code == 1
    assert "is not empty: name another with --run-directory" in load.output


def test_help_of_the_load_names_its_shapes_traffic_and_thresholds(tmp_path: Path) -> None:
    process = start("cms", "--help-load", cwd=tmp_path)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    for word in ("--shape {flat,ramp,spike,soak,steps}", "upload", "--max-p95-ms", "--processes 2"):
        assert word in output


def test_a_master_and_two_workers_write_one_history(lab: ProcessLab, tmp_path: Path) -> None:
    ports = PortReservations()
    port = str(ports.reserve())
    workers = [start("cms", "--worker", "--master-port", port) for _ in range(2)]
    try:
        options = ("--master", "--expect-workers", "2", "--master-bind-port", port)
        options += ("--users", "6", "-t", "5s", "--rate-per-user", "4", "--seed", "13")
        load = run("cms", lab.lb_url, tmp_path / "load", *options)
        assert load.exit_code == 0, load.output
        for worker in workers:
            assert worker.wait(timeout=20) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
        ports.release()
    history = load.history
    assert {o.process.split("-")[1] for o in history.operations} == {"0", "1"}
    assert {o.phase for o in history.operations} == {"1: 6 users"}
    ended = [o.completed_ns for o in history.operations]
    assert ended == sorted(ended)
    assert outcomes(lab, history) == dict.fromkeys(JUDGED, Outcome.PASS)

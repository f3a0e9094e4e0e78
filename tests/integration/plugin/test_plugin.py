"""The pytest plugin in sessions of its own, with real labs: passing, failing, skipped, refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.parts.toxiproxy import SETTING, find_toxiproxy

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from harness.faults.force_down import ForceDown
from harness.model.history import Limits
from harness.runner.scenario import Phase, Scenario, throughout

pytest_plugins = ["harness.pytest_plugin"]

PATIENT = Limits(gap_seconds=None, failed_operations=None, converge_seconds=30.0)
BRIEF = {
    "kept": Scenario("kept", "The first case", "Nothing is lost.", (Phase("work", 2.0),), PATIENT),
    "broken": Scenario(
        "broken", "The second case", "Nobody waits for longer than a microsecond.",
        (Phase("work", 2.0),), Limits(gap_seconds=0.000001, converge_seconds=30.0),
    ),
    "impossible": Scenario(
        "impossible", "The third case", "PostgreSQL is forced down.",
        (throughout("down", 2.0, ForceDown("postgres")), Phase("end", 1.0)), PATIENT,
    ),
}

@pytest.fixture(scope="module")
def scenario(request):
    return BRIEF[request.module.SCENARIO]
"""
MODULE = """
from harness.model.verdict import Outcome

SCENARIO = "{scenario}"

def test_promise(run, run_directory):
    assert run_directory.verdict.is_file()
    assert run.outcome is Outcome.PASS

def test_clients_worked(run):
    assert run.history.operations

def test_promise_again(run):
    assert run.outcome is Outcome.PASS

def test_of_nothing():
    pass
"""
HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
NOBODY = "http://127.0.0.1:9"


def modules(*scenarios: str) -> dict[str, str]:
    return {f"test_{name}": MODULE.format(scenario=name) for name in scenarios}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of the three in one session; it is kept for all tests that look at it."""
    return {"directory": tmp_path_factory.mktemp("session")}


@pytest.fixture
def told(
    session: dict[str, Any], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The lines of that session, which the first test that asks for them has made."""
    if "lines" not in session:
        directory: Path = session["directory"]
        monkeypatch.setenv("CHROMA_CHAOS_RUNS", str(directory / "runs"))
        monkeypatch.setenv(SETTING, str(find_toxiproxy(directory=HERE).path))
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(**modules("kept", "broken", "impossible"))
        words = ("--chaos-seed", "7", "--keep-runs", "--alluredir", str(directory / "allure"))
        words = (*words, "--clean-alluredir")
        result = pytester.runpytest_subprocess("-rs", *words)
        session["outcomes"], session["lines"] = result.parseoutcomes(), result.outlines
    return session["lines"]


def shown(lines: list[str]) -> list[str]:
    """The lines of the summary."""
    begin = next(n for n, line in enumerate(lines) if "what came of it" in line)
    return lines[begin + 1 :]


@pytest.mark.real
def test_promises_that_hold_pass_others_fail_and_what_cannot_be_done_is_skipped(
    told: list[str], session: dict[str, Any]
) -> None:
    assert session["outcomes"] == {"passed": 7, "failed": 2, "skipped": 3}, "\n".join(told)


@pytest.mark.real
def test_the_summary_is_a_table_of_promises_with_their_figures(told: list[str]) -> None:
    rows = shown(told)
    assert any(row.startswith(" promise (scenario)") for row in rows[:2])
    figures = r"\d+ +\d+ +0 +\d+\.\d{3} +\d+\.\d{3} +7"
    kept = next(row for row in rows if "(kept)" in row)
    assert re.search(rf"The first case \(kept\) +pass +3 of 3 +{figures}$", kept)
    broken = next(row for row in rows if "(broken)" in row)
    assert re.search(rf"The second case \(broken\) +fail +1 of 3 +{figures}$", broken)
    assert "broken fail; promised: Nobody waits for longer than a microsecond." in rows
    assert "3 scenarios: 1 fail, 1 pass, 1 skipped" in rows


@pytest.mark.real
def test_a_skip_says_its_reason_and_is_counted(told: list[str]) -> None:
    reason = "force-down postgres: only Chroma servers are forced out of service: primary, replica"
    assert f"impossible skipped: {reason}" in shown(told)
    assert any("SKIPPED" in line and reason in line for line in told), told[-20:]


@pytest.mark.real
def test_a_failing_test_shows_the_evidence_the_seed_and_how_to_repeat_it(
    told: list[str], session: dict[str, Any]
) -> None:
    begin = next(n for n, line in enumerate(told) if "broken, seed 7 " in line)
    evidence = told[begin : begin + 20]
    assert evidence[1] == "scenario broken, seed 7: fail"
    assert any("fail  availability" in line for line in evidence)
    assert any("the limit is 1e-06 s" in line for line in evidence)
    assert "again:    pytest test_broken.py --chaos-seed 7" in evidence
    assert "again:    chroma-chaos run broken --seed 7" in evidence
    assert told.count("evidence: with test_broken.py::test_promise") == 1
    files = next(line for line in evidence if line.startswith("files:")).split()[1]
    assert (session["directory"] / "runs" / Path(files).name / "history.jsonl").is_file()


@pytest.mark.real
def test_allure_gets_steps_timeline_logs_summary_and_verdict(
    told: list[str], session: dict[str, Any]
) -> None:
    results = session["directory"] / "allure"
    befores = [
        before
        for path in results.glob("*-container.json")
        for before in json.loads(path.read_bytes()).get("befores", ())
        if before["name"] == "run"
    ]
    assert len(befores) == 2, told
    for before in befores:
        (run,) = before["steps"]
        assert {"steady state", "work", "rest"} <= {step["name"] for step in run["steps"]}
        attached = {each["name"]: results / each["source"] for each in run["attachments"]}
        assert {"summary.txt", "verdict.json", "run.json", "timeline.txt"} <= attached.keys()
        assert {"logs/lb.log", "logs/primary.log", "logs/postgres.log"} <= attached.keys()
        timeline = attached["timeline.txt"].read_text()
        for event in ("phase work", "clients-stopped", "settled"):
            assert event in timeline
        assert json.loads(attached["verdict.json"].read_bytes())["verdicts"]
    failed = [
        result
        for path in results.glob("*-result.json")
        if (result := json.loads(path.read_bytes()))["status"] == "failed"
    ]
    assert "evidence" in [each["name"] for each in failed[0]["attachments"]]


def results_of(session: dict[str, Any]) -> list[dict[str, Any]]:
    """What Allure was told of each test."""
    paths = sorted((session["directory"] / "allure").glob("*-result.json"))
    return [json.loads(path.read_bytes()) for path in paths]


def labels_of(result: dict[str, Any]) -> dict[str, str]:
    return {label["name"]: label["value"] for label in result["labels"]}


@pytest.mark.real
def test_allure_files_a_test_under_its_use_case_scenario_and_promise(
    told: list[str], session: dict[str, Any]
) -> None:
    named = {result["fullName"]: result for result in results_of(session)}
    result = named["test_broken#test_promise_again"]
    labels = labels_of(result)
    assert labels["epic"] == "The second case"
    assert labels["feature"] == "broken"
    assert labels["story"] == "promise again"
    assert labels["severity"] == "normal"
    parameters = {each["name"]: each for each in result["parameters"]}
    told_of = {name: each["value"].strip("'") for name, each in parameters.items()}
    assert told_of == {
        "seed": "7",
        "workload": "cms",
        "faults": "none",
        "lab": "processes",
        "load balancer": "our own",
    }
    assert parameters["seed"]["excluded"]
    assert "Promised: Nobody waits for longer than a microsecond." in result["description"]
    assert "chroma-chaos run broken --seed 7" in result["description"]
    assert "epic" not in labels_of(named["test_broken#test_of_nothing"])
    skipped = named["test_impossible#test_promise"]
    assert skipped["status"] == "skipped"
    assert labels_of(skipped)["severity"] == "critical"
    environment = (session["directory"] / "allure" / "environment.properties").read_text()
    assert environment == "lab=processes\nload_balancer=our own\n"


@pytest.mark.real
def test_allure_has_a_step_for_each_checker_that_failed_as_it_did(
    told: list[str], session: dict[str, Any]
) -> None:
    results = session["directory"] / "allure"
    verdicts: dict[str, dict[str, Any]] = {}
    for path in results.glob("*-container.json"):
        for before in json.loads(path.read_bytes()).get("befores", ()):
            if before["name"] == "run" and "broken" in before["steps"][0]["name"]:
                (steps,) = (s for s in before["steps"][0]["steps"] if s["name"] == "verdicts")
                verdicts = {step["name"].partition(":")[0]: step for step in steps["steps"]}
    assert verdicts["durability"]["status"] == "passed"
    failed = verdicts["availability"]
    assert failed["status"] == "failed"
    assert "the limit is 1e-06 s" in failed["statusDetails"]["message"]
    (violations,) = failed["attachments"]
    assert "the limit is 1e-06 s" in (results / violations["source"]).read_text()


@pytest.mark.real
def test_the_allure_report_is_made_of_them(told: list[str], session: dict[str, Any]) -> None:
    report = session["directory"] / "report"
    words = (str(session["directory"] / "allure"), "--output", str(report))
    words = (*words, "--config", str(PROJECT / "allurerc.yaml"))
    made = subprocess.run(
        [allure_tool(), "generate", *words],
        cwd=session["directory"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert (report / "index.html").is_file()
    data = [json.loads(path.read_bytes()) for path in report.glob("data/test-results/*.json")]
    assert len(data) == len(results_of(session))
    tree = json.loads((report / "widgets" / "tree.json").read_bytes())
    groups = {group["name"] for group in tree["groupsById"].values()}
    assert {"The second case", "broken", "The third case", "impossible"} <= groups
    statuses = [each["status"] for each in data]
    assert (statuses.count("failed"), statuses.count("skipped")) == (2, 3)


def allure_tool() -> str:
    """Find the tool that `make allure` fetches."""
    fetched = PROJECT / ".tools/allure/node_modules/.bin/allure"
    found = str(fetched) if fetched.exists() else shutil.which("allure")
    if found is None:
        pytest.skip("the tool that makes Allure's reports is not there: `make .tools/allure`")
    return found


def test_what_could_not_be_run_is_an_error_with_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(**modules("kept"))
    urls = ("--lb-url", f"{NOBODY}/lb", "--primary-url", NOBODY, "--replica-url", f"{NOBODY}/two")
    result = pytester.runpytest_subprocess(*urls)
    result.assert_outcomes(errors=3, passed=1)
    lines = shown(result.outlines)
    reason = f"kept could not run: primary does not answer 200 at {NOBODY}/api/v2/heartbeat"
    assert any(line.startswith(reason) for line in lines)
    assert any("(kept)" in line and "could not run" in line for line in lines)
    assert "1 scenarios: 1 could not run" in lines
    again = f"again:    pytest test_kept.py --chaos-seed * --lb-url {NOBODY}/lb*"
    result.stdout.fnmatch_lines([again])


def test_options_that_contradict_are_refused_before_anything_starts(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(**modules("kept"))
    result = pytester.runpytest_subprocess("--lab", "remote", "--lb-url", NOBODY)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--primary-url, --replica-url is missing*"])


def test_a_session_without_runs_has_no_table(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it="def test_it(): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "what came of it" not in result.stdout.str()

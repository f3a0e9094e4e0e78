"""The promises that many use cases share, one test each; a module imports those that it makes.

What a load balancer was seen not to offer is skipped; ours has to offer all of it.
"""

import allure
import pytest

from harness.checkers import (
    availability,
    convergence,
    durability,
    exactly_once,
    faults,
    health_figures,
    linearizability,
    log_drained,
    mappings,
    phantom,
    recall,
    resurrection,
    sessions,
    status_figures,
    transactions,
)
from harness.model.verdict import Outcome, Verdict
from harness.runner.run import RunResult

# How bad a broken promise is: that of data above those of waiting, which the plugin ranks itself.
DATA = allure.severity(allure.severity_level.BLOCKER)
FIGURES = allure.severity(allure.severity_level.NORMAL)

# What takes how long, and what fails, is asserted by itself.
_TIMED = (availability.NAME, convergence.NAME)


def held(run: RunResult, checker: str) -> Verdict:
    """Return the verdict of a promise that was kept."""
    verdict = run.verdict(checker)
    if verdict.outcome is Outcome.NOT_OFFERED:
        pytest.skip(f"not offered: {verdict.reason}")
    assert verdict.outcome is Outcome.PASS, verdict
    return verdict


def test_each_fault_was_seen_to_begin_and_to_end(run: RunResult) -> None:
    assert held(run, faults.NAME).examined == len(run.history.header.faults)


def test_no_operation_fails(run: RunResult) -> None:
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["failed"] == 0, verdict.violations


def test_no_client_waits_longer_than_one_second(run: RunResult) -> None:
    verdict = run.verdict(availability.NAME)
    assert verdict.figures["gap_seconds"] <= 1.0, verdict.violations


@DATA
def test_no_acknowledged_write_is_lost(run: RunResult) -> None:
    held(run, durability.NAME)


@DATA
def test_nothing_deleted_comes_back(run: RunResult) -> None:
    held(run, resurrection.NAME)


@DATA
def test_nothing_is_there_that_no_client_wrote(run: RunResult) -> None:
    held(run, phantom.NAME)


@DATA
def test_no_client_reads_what_is_stale(run: RunResult) -> None:
    for checker in (linearizability.NAME, sessions.READ_YOUR_WRITES, sessions.MONOTONIC_READS):
        held(run, checker)


@DATA
def test_instances_hold_identical_data(run: RunResult) -> None:
    verdict = run.verdict(convergence.NAME)
    assert verdict.examined > 0
    assert verdict.figures["different"] == 0, verdict.violations


def test_instances_agree_within_the_promised_time(run: RunResult) -> None:
    verdict = run.verdict(convergence.NAME)
    promised_seconds = run.history.header.limits.converge_seconds
    measured = (convergence.CONVERGE_SECONDS, convergence.SETTLE_SECONDS)
    for figure in measured if run.history.header.faults else measured[1:]:
        assert figure in verdict.figures, verdict
        assert verdict.figures[figure] <= promised_seconds, verdict


@FIGURES
def test_searches_at_each_instance_find_the_nearest_documents(run: RunResult) -> None:
    figures = held(run, recall.NAME).figures
    assert {"primary", "replica"} <= figures.keys()


@DATA
def test_a_write_that_is_sent_again_happens_once(run: RunResult) -> None:
    assert held(run, exactly_once.NAME).figures["repeats"] >= 1


def test_what_became_of_writes_is_told_truly(run: RunResult) -> None:
    held(run, transactions.NAME)


def test_every_collection_is_mapped_to_its_uuids(run: RunResult) -> None:
    assert held(run, mappings.NAME).figures["mapped"] == 3


def test_nothing_is_left_to_do_in_the_log(run: RunResult) -> None:
    held(run, log_drained.NAME)


@FIGURES
def test_the_figures_of_the_log_are_true(run: RunResult) -> None:
    held(run, status_figures.NAME)


@FIGURES
def test_the_figures_of_health_are_true(run: RunResult) -> None:
    held(run, health_figures.NAME)


@pytest.mark.usefixtures("our_own")
def test_every_checker_had_something_to_examine_and_passed(run: RunResult) -> None:
    others = {v.checker: v.outcome for v in run.verdicts if v.checker not in _TIMED}
    assert set(others.values()) == {Outcome.PASS}, run.verdicts
    assert len(others) >= 13

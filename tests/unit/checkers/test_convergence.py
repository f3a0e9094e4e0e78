from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers import durability, phantom, resurrection
from harness.checkers.convergence import CONVERGE_SECONDS, SETTLE_SECONDS, check
from harness.model.fault_window import FaultWindow
from harness.model.final_state import FinalState
from harness.model.history import CLIENTS_STOPPED, CONVERGED, SETTLED, UNREADABLE, Milestone
from harness.model.operation import Completion, Operation
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    DOCUMENT,
    NEW,
    NEWEST,
    OLD,
    SECOND,
    add,
    created,
    delete,
    final,
    held,
    history,
    upsert,
)


def replica(*tokens: str) -> FinalState:
    return final(*tokens, instance="replica")


def test_equal_instances_under_different_uuids_pass() -> None:
    assert check(history(), [final(OLD), replica(OLD)]).outcome is Outcome.PASS


def test_a_document_on_one_instance_only_fails() -> None:
    verdict = check(history(), [final(OLD), replica()])
    assert [v.message for v in verdict.violations] == ["AUTOTEST_files/f/0 differs in presence"]


@pytest.mark.parametrize(
    "changed", [{"text": "x"}, {"metadata": None}, {"embedding_digest": "x"}], ids=str
)
def test_a_difference_in_any_part_fails(changed: dict[str, object]) -> None:
    other = {DOCUMENT: msgspec.structs.replace(held(OLD), **changed)}
    verdict = check(history(), [final(OLD), final(documents=other, instance="replica")])
    assert verdict.violations[0].message == f"AUTOTEST_files/f/0 differs in {next(iter(changed))}"


def test_a_collection_on_one_instance_only_fails() -> None:
    verdict = check(history(), [final(OLD), FinalState("replica", {})])
    assert verdict.violations[0].message == "AUTOTEST_files is on primary and not on replica"


def test_agreeing_on_what_the_history_does_not_allow_is_counted_and_left_to_the_others() -> None:
    verdict = check(history(created(), add(OLD, 2, 3)), [final(NEW), replica(NEW)])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures["not_allowed"] == 1


STATES = st.sampled_from(["", OLD, NEW, NEWEST])
WRITES = st.builds(
    lambda make, start, length, completion: make(start, start + length, completion),
    st.sampled_from(
        [
            delete,
            *(partial(make, token) for make in (add, upsert) for token in (OLD, NEW)),
        ]
    ),
    st.integers(2, 9),
    st.integers(1, 4),
    st.sampled_from(Completion),
)


@given(
    operations=st.lists(WRITES, max_size=5, unique_by=lambda o: o.invoked_ns),
    held=st.tuples(STATES, STATES),
)
def test_every_document_that_is_not_allowed_is_named_by_one_of_the_three_checkers_of_contents(
    operations: list[Operation], held: tuple[str, str]
) -> None:
    states = [
        final(*filter(None, [token]), instance=name)
        for token, name in zip(held, ("primary", "replica"), strict=True)
    ]
    run = history(created(), *operations)
    counted = check(run, states).figures["not_allowed"]
    failed = [c for c in (durability, resurrection, phantom) if c.check(run, states).violations]
    assert bool(failed) == bool(counted)


def test_one_instance_alone_is_unknown() -> None:
    assert check(history(), [final(OLD)]).outcome is Outcome.UNKNOWN


def test_an_instance_that_cannot_be_read_at_rest_fails() -> None:
    unreadable = Milestone(name=UNREADABLE, at_ns=SECOND, detail="replica: HTTP 500")
    verdict = check(history(unreadable), [final(OLD)])
    assert verdict.outcome is Outcome.FAIL
    assert "replica: HTTP 500" in verdict.violations[0].message


def test_empty_instances_are_unknown() -> None:
    assert check(history(), [final(), replica()]).outcome is Outcome.UNKNOWN


def healed(at: int) -> FaultWindow:
    return FaultWindow(index=0, fault="kill", target="primary", injected_ns=1, heal_observed_ns=at)


def test_the_time_to_converge_runs_from_the_proof_of_healing() -> None:
    records = (healed(SECOND), Milestone(name=CONVERGED, at_ns=3 * SECOND, detail="0"))
    verdict = check(history(*records), [final(OLD), replica(OLD)])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures[CONVERGE_SECONDS] == 2.0


def test_agreeing_later_than_the_limit_fails() -> None:
    records = (healed(SECOND), Milestone(name=CONVERGED, at_ns=7 * SECOND, detail="0"))
    verdict = check(history(*records), [final(OLD), replica(OLD)])
    assert verdict.violations[0].message == (
        "instances agreed 6.00 s after the heal of kill, the limit is 5 s"
    )


def test_never_having_agreed_after_a_heal_fails() -> None:
    verdict = check(history(healed(SECOND)), [final(OLD), replica(OLD)])
    assert verdict.outcome is Outcome.FAIL


def test_settling_is_measured_from_the_end_of_the_clients() -> None:
    records = (
        Milestone(name=CLIENTS_STOPPED, at_ns=SECOND),
        Milestone(name=SETTLED, at_ns=2 * SECOND),
    )
    verdict = check(history(*records), [final(OLD), replica(OLD)])
    assert verdict.figures[SETTLE_SECONDS] == 1.0


def test_never_having_settled_fails() -> None:
    stopped = Milestone(name=CLIENTS_STOPPED, at_ns=SECOND)
    verdict = check(history(stopped), [final(OLD), replica(OLD)])
    assert verdict.violations[0].message == "instances never agreed after the end of the clients"

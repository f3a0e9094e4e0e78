from harness.checkers import convergence, endings
from harness.checkers.disturbances import disturbed
from harness.checkers.judge import judge
from harness.model.history import CONVERGED, Milestone
from harness.model.observation import ServerEnding
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import OLD, SECOND, final, history
from tests.unit.checkers.observed import observed
from tests.unit.checkers.test_convergence import healed, replica


def ended(server: str, alive: int, answered: int = 0, error: str = "") -> ServerEnding:
    return ServerEnding(
        server=server,
        alive_ns=alive * SECOND,
        ending="SIGSEGV",
        answered_ns=answered * SECOND,
        error=error,
    )


def test_a_load_balancer_that_ended_by_itself_fails() -> None:
    verdict = endings.check(history(ended("lb", 3, 5)), [])
    assert verdict.outcome is Outcome.FAIL
    (violation,) = verdict.violations
    assert violation.message == "lb ended by itself with SIGSEGV"
    assert "2.00 s later it answered again" in violation.evidence[0]


def test_chroma_servers_that_ended_by_themselves_are_counted() -> None:
    records = (ended("primary", 3, 5), ended("primary", 6, 8), ended("replica", 7, 9))
    verdict = endings.check(history(*records), [])
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures == {"primary": 2.0, "replica": 1.0}


def test_an_ending_whose_start_failed_first_is_counted_once() -> None:
    verdict = endings.check(
        history(ended("primary", 3, 0, "it did not"), ended("primary", 3, 9)), []
    )
    assert verdict.figures == {"primary": 1.0}


def test_only_a_run_in_which_a_server_ended_by_itself_is_judged_by_it() -> None:
    with_ending = {verdict.checker for verdict in judge(history(ended("lb", 3, 5)), [])}
    without = {verdict.checker for verdict in judge(history(), [])}
    assert with_ending - without == {endings.NAME}


def test_an_instance_is_disturbed_while_it_is_not_there() -> None:
    past = observed(ended("primary", 10, 0, "it did not"), ended("primary", 10, 20))
    during, after = (11 * SECOND, 12 * SECOND), (21 * SECOND, 22 * SECOND)
    assert disturbed(past, during, instance="primary")
    assert not disturbed(past, during, instance="replica")
    assert not disturbed(past, during, but_instances=True)
    assert not disturbed(past, after)
    assert disturbed(observed(ended("lb", 10, 20)), during, but_instances=True)
    assert disturbed(observed(ended("primary", 10)), after), "it never came back"


def test_the_time_to_converge_begins_anew_when_a_server_ended_by_itself() -> None:
    heal, agreed = healed(SECOND), Milestone(name=CONVERGED, at_ns=9 * SECOND, detail="0")
    finals = [final(OLD), replica(OLD)]
    late = convergence.check(history(heal, agreed), finals)
    assert late.outcome is Outcome.FAIL
    excused = convergence.check(history(heal, ended("primary", 2, 6), agreed), finals)
    assert excused.outcome is Outcome.PASS
    assert excused.figures[convergence.CONVERGE_SECONDS] == 3.0
    for other in (ended("primary", 0, 1), ended("primary", 10, 12)):
        assert convergence.check(history(heal, other, agreed), finals).violations == late.violations

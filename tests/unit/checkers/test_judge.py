import msgspec

from harness.checkers.judge import guarded, judge
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import Search
from harness.model.verdict import Outcome, Verdict, combine
from tests.unit.checkers.histories import (
    NEW,
    OLD,
    add,
    created,
    delete,
    final,
    get,
    history,
    upsert,
)
from tests.unit.checkers.observed import says

PATHS = ("/wal/status", "/status", "/collection/mappings", "/transactions/t")


def crash(history: History, finals: object) -> Verdict:
    raise KeyError("oops")


def test_a_checker_that_crashes_is_unknown_with_its_error_as_reason() -> None:
    verdict = guarded("crashing", crash, history(), [])
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "the checker crashed: KeyError('oops')"


def test_an_interrupted_run_is_unknown_as_a_whole() -> None:
    assert combine(judge(history(created(), add(OLD, 2, 3)), [])) is Outcome.UNKNOWN


def test_faults_are_judged_only_where_some_were_planned() -> None:
    without = {verdict.checker for verdict in judge(history(), [])}
    planned = {verdict.checker for verdict in judge(history(faults=("kill",)), [])}
    assert planned - without == {"faults"}


def test_every_misfit_is_named_by_at_least_one_checker_of_contents() -> None:
    states: list[FinalState] = [final(OLD), final(OLD, instance="replica")]
    verdicts = judge(history(created(), add(OLD, 2, 3), delete(4, 5)), states)
    failed = {v.checker for v in verdicts if v.outcome is Outcome.FAIL}
    assert failed == {"resurrection"}


def test_a_foreign_lb_that_offers_none_of_ours_can_pass() -> None:
    foreign = [says(path, "{}", 9, status=404, at_rest=True) for path in PATHS]
    searches = [
        Search(instance=name, collection="c", query="q", found=("f/0",), distances=(0.0,), wanted=1)
        for name in ("primary", "replica")
    ]
    written = msgspec.structs.replace(upsert(NEW, 6, 7), transaction_id="t")
    operations = [
        created(), upsert(OLD, 2, 3), delete(4, 5), written, get(NEW, 8, 9), get(NEW, 10, 11),
    ]  # fmt: skip
    run = history(*operations, *foreign, *searches)
    verdicts = judge(run, [final(NEW), final(NEW, instance="replica")])
    assert combine(verdicts) is Outcome.PASS
    assert {v.checker for v in verdicts if v.outcome is Outcome.NOT_OFFERED} == {
        "exactly-once",
        "transactions",
        "mappings",
        "log-drained",
        "status-figures",
        "health-figures",
    }

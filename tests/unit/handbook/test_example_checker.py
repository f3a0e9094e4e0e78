"""The checker of docs/add-a-checker.md, on literal short histories."""

from docs.examples.distinct import check
from harness.model.operation import Completion
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import NEW, OLD, add, created, get, get_file, history, query

OTHER = "f/1@old"


def test_answers_that_name_each_document_once_pass() -> None:
    verdict = check(history(created(), add(OLD, 2, 3), get_file([OLD, OTHER], 4, 5)), [])
    assert (verdict.outcome, verdict.examined) == (Outcome.PASS, 1)


def test_an_answer_that_names_one_twice_fails() -> None:
    for twice in ([OLD, OTHER, OLD], [OLD, NEW]):
        verdict = check(history(created(), query(twice, 4, 5)), [])
        assert verdict.outcome is Outcome.FAIL
        assert verdict.violations[0].message == "client-1 was given f/0 2 times at once"


def test_without_an_answer_there_is_nothing_to_say() -> None:
    unanswered = get(OLD, 4, 5, Completion.INFO)
    assert check(history(created(), unanswered, get("", 6, 7)), []).outcome is Outcome.UNKNOWN

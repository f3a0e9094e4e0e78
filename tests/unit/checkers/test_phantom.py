import msgspec
import pytest

from harness.checkers.phantom import check
from harness.model.final_state import FinalState, HeldCollection, HeldDocument
from harness.model.operation import Completion
from harness.model.verdict import Outcome
from tests.unit.checkers.histories import (
    DOCUMENT,
    NEW,
    OLD,
    add,
    created,
    final,
    held,
    history,
    upsert,
)


def test_what_clients_wrote_passes() -> None:
    assert check(history(created(), add(OLD, 2, 3)), [final(OLD)]).outcome is Outcome.PASS


def test_a_write_in_doubt_is_no_phantom() -> None:
    verdict = check(history(created(), add(OLD, 2, 3, Completion.INFO)), [final(OLD)])
    assert verdict.outcome is Outcome.PASS


def test_an_id_that_no_client_wrote_fails() -> None:
    verdict = check(history(created(), add(OLD, 2, 3)), [final(OLD, "g/0@w")])
    assert verdict.figures["phantom"] == 1


def test_a_write_that_was_refused_and_is_there_fails_and_says_so() -> None:
    verdict = check(history(created(), upsert(OLD, 2, 3, Completion.FAIL)), [final(OLD)])
    assert verdict.outcome is Outcome.FAIL
    assert "refused (client-1#2)" in verdict.violations[0].message


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        pytest.param({"text": "other"}, "text", id="text"),
        pytest.param({"metadata": {**(held(OLD).metadata or {}), "x": 1}}, "metadata", id="meta"),
        pytest.param({"embedding_digest": "0"}, "embedding", id="embedding"),
    ],
)
def test_content_that_differs_from_what_was_written_fails(
    changed: dict[str, object], part: str
) -> None:
    document: HeldDocument = msgspec.structs.replace(held(OLD), **changed)
    verdict = check(history(created(), add(OLD, 2, 3)), [final(documents={DOCUMENT: document})])
    assert verdict.violations[0].evidence[0] == f"held: {OLD}, but with another {part}"


@pytest.mark.parametrize("metadata", [None, {}, {"token": "garbage"}, {"token": 3}])
def test_content_without_a_token_of_ours_fails(metadata: dict[str, str | int] | None) -> None:
    document = HeldDocument("text", metadata, "0")
    verdict = check(history(created(), add(OLD, 2, 3)), [final(documents={DOCUMENT: document})])
    assert verdict.figures["phantom"] == 1


def test_content_under_another_id_fails() -> None:
    documents = {"g/0": held(NEW)}
    verdict = check(history(created(), upsert(NEW, 2, 3)), [final(documents=documents)])
    assert verdict.figures["phantom"] == 1


def test_a_collection_that_no_client_created_fails() -> None:
    foreign = FinalState("primary", {"AUTOTEST_other": HeldCollection("u", {})})
    verdict = check(history(created()), [foreign])
    assert "AUTOTEST_other on primary" in verdict.violations[0].message


def test_empty_instances_are_unknown() -> None:
    assert check(history(created()), [final()]).outcome is Outcome.UNKNOWN

from typing import Any

import pytest

from harness.checkers.mappings import PATH, check
from harness.model.verdict import Outcome, Verdict
from tests.unit.checkers.histories import COLLECTION, OLD, final
from tests.unit.checkers.observed import observed, says, silent

FINALS = [final(OLD), final(OLD, instance="replica")]


def row(**changed: Any) -> dict[str, Any]:
    uuids = {"primary": "uuid-primary", "replica": "uuid-replica"}
    return {"name": COLLECTION, "collection_id": "stable", "uuids": uuids, **changed}


def judged(*rows: Any) -> Verdict:
    return check(observed(says(PATH, {"mappings": list(rows)}, at_rest=True)), FINALS)


def test_the_true_uuids_pass_and_other_collections_do_not_matter() -> None:
    assert judged(row(), row(name="global", collection_id="other")).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], f"{COLLECTION} is on an instance and has no mapping"),
        (
            [row(uuids={"primary": "uuid-primary", "replica": "uuid-primary"})],
            f"the mapping of {COLLECTION} on replica is wrong",
        ),
        (
            [row(uuids={"primary": "uuid-primary"})],
            f"the mapping of {COLLECTION} on replica is wrong",
        ),
        ([row(), row(collection_id="second")], f"2 mappings have the name {COLLECTION}"),
        (
            [row(), row(name="AUTOTEST_gone", collection_id="second")],
            "AUTOTEST_gone has a mapping and is on no instance",
        ),
        ([row(), row(name="AUTOTEST_gone")], "2 mappings have the stable id stable"),
        ([{"name": COLLECTION}], f"{PATH} makes no sense"),
        (["nonsense"], f"{PATH} makes no sense"),
    ],
)
def test_a_wrong_mapping_fails(rows: list[Any], message: str) -> None:
    verdict = judged(*rows)
    assert verdict.outcome is Outcome.FAIL
    assert message in [violation.message for violation in verdict.violations]


@pytest.mark.parametrize(
    "answer", [silent(PATH), says(PATH, "<html>"), says(PATH, {}, status=404), says(PATH, [])]
)
def test_an_lb_that_never_tells_does_not_offer_it(answer: Any) -> None:
    assert check(observed(answer), FINALS).outcome is Outcome.NOT_OFFERED


def test_a_run_that_did_not_ask_or_has_no_final_reads_is_unknown() -> None:
    assert check(observed(), FINALS).outcome is Outcome.UNKNOWN
    assert check(observed(says(PATH, {"mappings": [row()]})), []).outcome is Outcome.UNKNOWN

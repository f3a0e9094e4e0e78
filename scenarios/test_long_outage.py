"""An instance is away for longer than the log waits, or has lost data: it is rebuilt."""

import allure
import httpx
import msgspec
import pytest

from harness.client.api import COLLECTIONS
from harness.labs.base import Lab
from harness.model.observation import LbAnswer
from harness.runner.run import RunResult
from scenarios.calls import add, are_on_every_instance, create, direct, eventually
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_a_write_that_is_sent_again_happens_once,
    test_each_fault_was_seen_to_begin_and_to_end,
    test_every_checker_had_something_to_examine_and_passed,
    test_every_collection_is_mapped_to_its_uuids,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_no_client_waits_longer_than_one_second,
    test_no_operation_fails,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_searches_at_each_instance_find_the_nearest_documents,
    test_what_became_of_writes_is_told_truly,
)

SCENARIO = "long-outage"

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    allure.epic("Operation"),
]

# Every ten seconds it is looked for what instances have lost.
_FOUND_AND_COPIED_SECONDS = 20.0


@pytest.mark.usefixtures("our_own")
def test_the_log_did_not_wait_for_the_replica(run: RunResult) -> None:
    states = set()
    for answer in run.history.observed(LbAnswer):
        if answer.path == "/status" and answer.status == 200:
            instances = msgspec.json.decode(answer.body)["instances"]
            states |= {each["state"] for each in instances if each["name"] == "replica"}
    assert "NEEDS_REBUILD" in states, states


@pytest.mark.usefixtures("our_own")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_collection_that_an_instance_has_lost_is_copied_to_it(
    run: RunResult, lab: Lab, lb: httpx.AsyncClient
) -> None:
    name = f"{run.history.header.prefix}lost"
    await create(lb, name)
    assert (await add(lb, name, "a", "b")).is_success
    await eventually(lambda: are_on_every_instance(lab, name, "a", "b"), "both have it")
    async with direct(lab.instances[1].url) as replica:
        assert (await replica.delete(f"{COLLECTIONS}/{name}")).is_success
    assert (await add(lb, name, "c")).is_success
    await eventually(
        lambda: are_on_every_instance(lab, name, "a", "b", "c"),
        "it is on the replica again",
        _FOUND_AND_COPIED_SECONDS,
    )

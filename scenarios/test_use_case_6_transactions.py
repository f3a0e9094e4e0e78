"""Use case 6: a client can learn at any time what became of its write, and may repeat it."""

from urllib.parse import quote

import allure
import httpx
import pytest

from harness.client.api import COLLECTIONS
from harness.labs.base import Killable, Lab
from harness.model.operation import Completion
from harness.runner.run import RunResult
from scenarios.calls import add, are_on_every_instance, create, direct, eventually, ids_in
from scenarios.promises import (  # noqa: F401 (tests of this module, too)
    test_a_write_that_is_sent_again_happens_once,
    test_each_fault_was_seen_to_begin_and_to_end,
    test_every_checker_had_something_to_examine_and_passed,
    test_instances_agree_within_the_promised_time,
    test_instances_hold_identical_data,
    test_no_acknowledged_write_is_lost,
    test_no_client_reads_what_is_stale,
    test_nothing_deleted_comes_back,
    test_nothing_is_left_to_do_in_the_log,
    test_nothing_is_there_that_no_client_wrote,
    test_what_became_of_writes_is_told_truly,
)

SCENARIO = "both-down"

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    allure.epic("Use case 6, transaction safety"),
]

needs_our_own = pytest.mark.usefixtures("our_own")
in_the_lab = pytest.mark.asyncio(loop_scope="module")


async def _state(lb: httpx.AsyncClient, transaction: str) -> str:
    answer = await lb.get(f"/transactions/{quote(transaction, safe='')}")
    return str(answer.json()["state"])


def test_writes_were_in_doubt_while_both_instances_were_down(run: RunResult) -> None:
    during = [o for o in run.history.operations if o.phase == "both-down" and o.kind.is_write]
    assert any(operation.completion is Completion.INFO for operation in during)


def test_clients_work_again_after_both_instances_have_returned(run: RunResult) -> None:
    last_healed_ns = max(w.heal_observed_ns for w in run.history.fault_windows.values())
    # What was under way may still end as it began.
    after = [o for o in run.history.operations if o.intended_ns > last_healed_ns + 1_000_000_000]
    assert len(after) >= 10
    assert {operation.completion for operation in after} == {Completion.OK}


@needs_our_own
@in_the_lab
async def test_a_write_that_no_instance_can_take_is_told_to_wait_and_is_applied_later(
    run: RunResult, lab: Lab, lb: httpx.AsyncClient
) -> None:
    assert isinstance(lab, Killable)
    name = f"{run.history.header.prefix}waiting"
    await create(lb, name)
    await eventually(lambda: are_on_every_instance(lab, name), "both have the collection")
    await lab.kill("primary")
    await lab.kill("replica")

    refused = await add(lb, name, "late", transaction="waits")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["Transaction-ID"] == "waits"
    assert await _state(lb, "waits") == "ATTEMPTING"

    await lab.restart("replica")

    async def is_recovered() -> bool:
        return await _state(lb, "waits") == "RECOVERED"

    await eventually(is_recovered, "the write is applied on the one that is back")
    assert await ids_in(lb, name) == ["late"]
    await lab.restart("primary")
    await eventually(lambda: are_on_every_instance(lab, name, "late"), "both have it")
    told = (await lb.get("/transactions/waits")).json()
    assert (told["status"], told["told_to_wait"]) == (201, True)
    assert (await add(lb, name, "late", transaction="waits")).status_code == 201


@needs_our_own
@in_the_lab
async def test_a_repeated_transaction_gets_its_outcome_and_is_not_applied_again(
    run: RunResult, lab: Lab, lb: httpx.AsyncClient
) -> None:
    name = f"{run.history.header.prefix}repeated"
    collection = await create(lb, name)
    first = await add(lb, collection, "a", transaction="repeated")
    assert (await lb.post(f"{COLLECTIONS}/{collection}/delete", json={"ids": ["a"]})).is_success
    again = await add(lb, collection, "a", transaction="repeated")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Transaction-ID"] == "repeated"
    await eventually(lambda: are_on_every_instance(lab, name), "it is not there again")


@needs_our_own
@in_the_lab
async def test_a_transaction_id_cannot_be_used_for_another_request(
    run: RunResult, lb: httpx.AsyncClient
) -> None:
    collection = await create(lb, f"{run.history.header.prefix}reused")
    assert (await add(lb, collection, "a", transaction="reused")).is_success
    assert (await add(lb, collection, "b", transaction="reused")).status_code in (409, 422)
    assert await ids_in(lb, collection) == ["a"]


@needs_our_own
@in_the_lab
async def test_a_transaction_outlives_a_crash_of_the_load_balancer(
    run: RunResult, lab: Lab, lb: httpx.AsyncClient
) -> None:
    assert isinstance(lab, Killable)
    collection = await create(lb, f"{run.history.header.prefix}outliving")
    first = await add(lb, collection, "a", transaction="outlives")
    await lab.kill("lb")
    await lab.restart("lb")
    async with direct(lab.lb_url) as client:

        async def has_its_outcome() -> bool:
            again = await add(client, collection, "a", transaction="outlives")
            # The outcome was told, and may not have been stored: then it has to be found out.
            assert again.status_code != 503
            return (again.status_code, again.content) == (first.status_code, first.content)

        await eventually(has_its_outcome, "the write has the outcome that it had")
        assert await _state(client, "outlives") in ("COMPLETED", "RECOVERED")


@needs_our_own
@in_the_lab
async def test_an_invalid_write_is_failed_and_an_unknown_transaction_is_not_found(
    run: RunResult, lb: httpx.AsyncClient
) -> None:
    collection = await create(lb, f"{run.history.header.prefix}invalid")
    assert (await add(lb, collection, "a")).is_success
    body = {"ids": ["b"], "embeddings": [[1.0, 2.0, 3.0]]}
    headers = {"Transaction-ID": "invalid"}
    answer = await lb.post(f"{COLLECTIONS}/{collection}/add", json=body, headers=headers)
    assert answer.status_code == 400
    assert await _state(lb, "invalid") == "FAILED"
    assert (await lb.get("/transactions/unknown")).status_code == 404
    assert await ids_in(lb, collection) == ["a"]

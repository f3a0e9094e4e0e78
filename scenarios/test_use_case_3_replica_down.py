"""Use case 3: the replica fails; a baseline, the time without it, and the recovery."""

from collections.abc import Callable

import allure
import httpx
import pytest

from harness.errors import LabError
from harness.http_proxy.rules import Hold, Rule, What
from harness.labs.base import Interceptable, Killable, Lab
from harness.model.operation import Completion
from harness.runner.run import RunResult
from harness.workloads.settings import Addressing
from scenarios.calls import add, are_on_every_instance, create, eventually, ids_in
from scenarios.cases import Case
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
    test_the_figures_of_health_are_true,
    test_the_figures_of_the_log_are_true,
    test_what_became_of_writes_is_told_truly,
)

CASES = (
    Case("replica-down", Addressing.ID),
    Case("replica-black-hole", Addressing.NAME),
)

pytestmark = [pytest.mark.real, pytest.mark.alone, allure.epic("Use case 3, replica down")]

_READS = 40
_COUNTED = Rule(name="count reads", what=What.GET, deed=Hold(0.0))


def test_reads_writes_and_deletes_succeed_in_each_phase(run: RunResult, case: Case) -> None:
    for phase in ("baseline", case.scenario, "recovery"):
        operations = [o for o in run.history.operations if o.phase == phase]
        assert {o.completion for o in operations} == {Completion.OK}, phase
        assert len(operations) >= 10
        assert {o.kind.is_write for o in operations} == {True, False}, phase


@pytest.mark.asyncio(loop_scope="module")
async def test_reads_are_spread_then_go_to_the_primary_and_are_spread_again(
    run: RunResult, lab: Lab, lb: httpx.AsyncClient
) -> None:
    assert run.verdicts
    assert isinstance(lab, Killable)
    name = f"{run.history.header.prefix}read"
    collection = await create(lb, name)
    assert (await add(lb, collection, "a")).is_success
    await eventually(lambda: are_on_every_instance(lab, name, "a"), "both have the document")

    await _eventually_served(lb, lab, collection, lambda reads: min(reads.values()) >= _READS / 4)
    await lab.kill("replica")
    reads = await _reads_by_instance(lb, lab, collection)
    # What was asked of the replica before it was known to be gone is asked again.
    assert reads["primary"] >= _READS
    await lab.restart("replica")
    await _eventually_served(lb, lab, collection, lambda reads: min(reads.values()) >= _READS / 4)


async def _eventually_served(
    lb: httpx.AsyncClient, lab: Lab, collection: str, is_so: Callable[[dict[str, int]], bool]
) -> None:
    """Read until the reads are shared out like that."""

    async def see() -> dict[str, int] | None:
        reads = await _reads_by_instance(lb, lab, collection)
        assert is_so(reads), reads
        return reads

    await eventually(see, "reads are spread over both instances", 15.0)


async def _reads_by_instance(lb: httpx.AsyncClient, lab: Lab, collection: str) -> dict[str, int]:
    """Read many times, each with success; count at the HTTP proxy who was asked."""
    if not isinstance(lab, Interceptable):
        pytest.skip(f"lab {lab.name} cannot count the requests that an instance gets")
    try:
        proxy = lab.interceptor()
    except LabError as error:
        pytest.skip(str(error))
    instances = [instance.name for instance in lab.instances]
    for instance in instances:
        await proxy.intercept(instance, _COUNTED)
    for _ in range(_READS):
        assert await ids_in(lb, collection) == ["a"]
    return {each: (await proxy.tally(each, _COUNTED.name)).taken for each in instances}

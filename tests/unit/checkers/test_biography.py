import msgspec

from harness.checkers.biography import biography
from harness.checkers.judge import judge
from harness.model.observation import InstanceSample, LogRow, Repeat, ServerEnding
from tests.unit.checkers.histories import (
    COLLECTION,
    DOCUMENT,
    NEW,
    OLD,
    SECOND,
    add,
    created,
    delete,
    final,
    get,
    get_file,
    history,
    query,
    upsert,
)
from tests.unit.checkers.observed import fault

NAME = f"{COLLECTION}/{DOCUMENT}"


def test_it_tells_all_that_was_done_and_seen_in_order_of_time() -> None:
    added = msgspec.structs.replace(add(OLD, 2 * SECOND, 3 * SECOND), transaction_id="t")
    row = LogRow(
        position=7,
        transaction_id="t",
        collection=COLLECTION,
        kind="add",
        logged_at="noon",
        settled_at="later",
        status=201,
        attempts=1,
        applied_on=("primary",),
    )
    sample = InstanceSample(
        instance="replica",
        asked_ns=4 * SECOND,
        answered_ns=4 * SECOND,
        collection=COLLECTION,
        changed={DOCUMENT: OLD, "g/0": "g/0@w"},
    )
    repeat = Repeat(
        repeats=added.name,
        process="client-1",
        transaction_id="t",
        invoked_ns=5 * SECOND,
        completed_ns=6 * SECOND,
        first_status=201,
        status=201,
        body="{}",
    )
    run = history(
        created(), added, row, sample, repeat, get(OLD, 8 * SECOND, 9 * SECOND),
        fault("kill", "primary", 7, 10),
    )  # fmt: skip
    assert list(biography(run, [final(OLD), final(instance="replica")], NAME)) == [
        f"   2.000 s  {added.name} add by ids {OLD}: ok after 1000 ms, status none",
        "   2.000 s    log entry 7: add, logged at noon, outcome 201 at later, 1 attempts, "
        "applied on primary",
        f"   4.000 s  replica was seen to hold {OLD}",
        f"   5.000 s  {added.name} sent again: status 201 {{}}",
        "   7.000 s  fault kill primary injected",
        f"   8.000 s  client-1#{8 * SECOND} get by ids {OLD}: ok after 1000 ms, status none",
        "  10.000 s  fault kill primary healed",
        "at rest     primary holds {'file': 'f', 'chunk': 0, 'token': 'f/0@old'}",
        "at rest     replica holds nothing",
    ]


def test_operations_on_other_documents_are_left_out() -> None:
    others = [upsert("g/0@w", 2, 3), query(["g/0@w"], 4, 5)]
    own = [get_file([], 6, 7), query([OLD], 8, 9)]
    lines = list(biography(history(created(), *others, *own), [], NAME))
    assert [line.split()[2] for line in lines] == ["client-1#6", "client-1#8"]


def test_the_first_violations_carry_the_biography_of_their_document() -> None:
    run = history(created(), upsert(OLD, 2, 3), upsert(NEW, 4, 5), delete(6, 7))
    lost = next(v for v in judge(run, [final(OLD)]) if v.checker == "resurrection")
    assert any("client-1#6 delete" in line for line in lost.violations[0].biography)


def test_a_server_that_ended_by_itself_is_told_with_its_new_start() -> None:
    ending = ServerEnding(
        server="lb", alive_ns=4 * SECOND, ending="exit code 1", answered_ns=6 * SECOND
    )
    told = list(biography(history(add(OLD, 0, SECOND), ending), [], NAME))
    assert told[1:] == [
        "   4.000 s  lb ended by itself with exit code 1",
        "   6.000 s  lb answered again",
    ]

import msgspec
import pytest

from harness.client.api import Request
from harness.client.repeats import Repeats, Sent
from harness.model.operation import Addressing, Completion, Kind, Operation

OK, FAIL, INFO = Completion


def sent(number: int, completion: Completion = OK, kind: Kind = Kind.ADD) -> Sent:
    operation = Operation(
        kind=kind,
        addressing=Addressing.IDS,
        collection="c",
        ids=("f/0",),
        process="client-1",
        number=number,
        phase="p",
        completion=completion,
        intended_ns=0,
        invoked_ns=0,
        completed_ns=1,
        transaction_id=f"t{number}",
    )
    return Sent(Request("POST", "/", b""), operation, "")


def repeated(
    count: int, completion: Completion = OK, seed: int = 1, **changed: object
) -> list[int]:
    """Perform that many writes, each answered with its id, and list what is to be repeated."""
    repeats = Repeats(seed, "client-1")
    due: list[int] = []
    for number in range(count):
        each = sent(number, completion)
        operation = msgspec.structs.replace(each.operation, **changed)
        repeats.note(Sent(each.request, operation, ""), operation.transaction_id)
        while (found := repeats.next_due()) is not None:
            due.append(found.operation.number)
    return due


def test_a_share_of_the_acknowledged_writes_is_repeated_each_at_most_once() -> None:
    due = repeated(1000)
    assert 60 <= len(due) <= 140
    assert len(set(due)) == len(due)


def test_the_seed_decides_which() -> None:
    assert repeated(200) == repeated(200)
    assert repeated(200) != repeated(200, seed=2)


def test_some_are_repeated_at_once_and_some_after_others() -> None:
    repeats = Repeats(1, "client-1")
    delays = set()
    for number in range(300):
        each = sent(number)
        repeats.note(each, each.operation.transaction_id)
        while (found := repeats.next_due()) is not None:
            delays.add(number - found.operation.number)
    assert min(delays) == 0
    assert max(delays) == 8


def test_every_write_in_doubt_is_repeated_but_not_at_once() -> None:
    repeats = Repeats(1, "client-1")
    repeats.note(sent(0), "t0")
    repeats.note(sent(1, INFO), "")
    due: list[int] = []
    for number in range(2, 12):
        found = repeats.next_due()
        due += [found.operation.number] if found else []
        repeats.note(sent(number, FAIL), "")
    assert due == [1]


@pytest.mark.parametrize(
    "changed",
    [{"completion": FAIL}, {"kind": Kind.GET}, {"addressing": Addressing.NAME}],
    ids=str,
)
def test_what_failed_reads_and_creates_are_never_repeated(changed: dict[str, object]) -> None:
    assert repeated(300, **changed) == []


@pytest.mark.parametrize("answered", ["", "another"])
def test_nothing_is_repeated_before_an_answer_carried_the_id_of_its_request(answered: str) -> None:
    repeats = Repeats(1, "client-1")
    for number in range(300):
        repeats.note(sent(number, INFO), answered)
        assert repeats.next_due() is None

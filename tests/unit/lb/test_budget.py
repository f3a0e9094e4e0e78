import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.budget import Account, BodyBudget, Claim
from lb.errors import OverloadedError
from tests.unit.lb.stand_ins import until

LIMIT = 100


def an_account(limit_bytes: int = LIMIT) -> Account:
    return Account(lambda: limit_bytes)


def held(account: Account, size: int, *, is_open: bool = False) -> Claim:
    claim = account.claim(is_open=is_open)
    assert account.ask(claim, size), "the test needs it granted at once"
    return claim


def waiting(account: Account, size: int) -> Claim:
    claim = account.claim()
    assert not account.ask(claim, size), "the test needs it to wait"
    return claim


def test_bodies_up_to_the_limit_are_held_at_once() -> None:
    account = an_account()

    held(account, 60)
    held(account, 40)

    assert (account.held_bytes, account.waiting) == (100, 0)


def test_a_body_that_does_not_fit_waits_until_enough_is_given_back() -> None:
    account = an_account()
    first, second = held(account, 60), held(account, 30)
    third = waiting(account, 50)

    second.let_go()
    assert not third.granted.is_set()
    first.let_go()

    assert third.granted.is_set()
    assert account.held_bytes == 50


def test_nobody_passes_who_came_later_however_small() -> None:
    account = an_account()
    first = held(account, 90)
    large, small = waiting(account, 50), waiting(account, 5)

    first.let_go()

    assert large.granted.is_set()
    assert small.granted.is_set()


def test_a_body_longer_than_the_limit_passes_alone() -> None:
    account = an_account()
    first = held(account, 1)
    longest = waiting(account, LIMIT + 50)
    behind = waiting(account, 1)

    first.let_go()
    assert longest.granted.is_set()
    assert not behind.granted.is_set()
    longest.let_go()

    assert behind.granted.is_set()


def test_who_waits_no_longer_keeps_nobody_waiting() -> None:
    account = an_account()
    held(account, 60)
    large, small = waiting(account, 50), waiting(account, 40)

    account.withdraw(large)

    assert small.granted.is_set()
    assert account.held_bytes == 100


def test_a_share_is_given_back_when_its_last_keeper_lets_go() -> None:
    account = an_account()
    claim = held(account, 60)
    claim.keep()

    claim.let_go()
    assert account.held_bytes == 60
    claim.let_go()

    assert account.held_bytes == 0
    with pytest.raises(AssertionError, match="already"):
        claim.let_go()


def test_a_share_that_was_given_back_is_not_kept_again() -> None:
    claim = held(an_account(), 60)
    claim.let_go()

    with pytest.raises(AssertionError, match="not kept again"):
        claim.keep()


def test_what_a_body_of_unknown_length_did_not_need_is_taken_back() -> None:
    account = an_account()
    claim = held(account, 60, is_open=True)
    other = waiting(account, 50)

    account.close(claim, 10)

    assert (claim.held_bytes, account.held_bytes) == (10, 60)
    assert other.granted.is_set()


def test_of_two_half_read_bodies_the_older_goes_on_and_then_the_other() -> None:
    account = an_account()
    old, young = held(account, 50, is_open=True), held(account, 50, is_open=True)

    assert not account.ask(young, 20)
    assert account.ask(old, 20)
    account.close(old, 70)
    assert not young.granted.is_set(), "one body is beyond the limit, not two"
    old.let_go()

    assert young.granted.is_set()
    assert account.held_bytes == 70


def test_half_read_bodies_go_before_those_that_have_not_begun() -> None:
    account = an_account()
    first = held(account, 50)
    held(account, 10, is_open=True)
    growing = held(account, 40, is_open=True)
    arrival = waiting(account, 30)
    assert not account.ask(growing, 30)

    first.let_go()

    assert growing.granted.is_set()
    assert not arrival.granted.is_set()


def test_a_limit_that_shrinks_takes_nothing_away_and_grants_less() -> None:
    limit = 100
    account = Account(lambda: limit)
    first = held(account, 80)
    limit = 50
    second = waiting(account, 20)

    assert account.held_bytes == 80
    first.let_go()

    assert second.granted.is_set()


class Reader:
    """A request in the test of schedules: its chunks, and where it is."""

    def __init__(self, account: Account, chunks: list[int], *, is_open: bool) -> None:
        self.account, self.is_open = account, is_open
        self.claim = account.claim(is_open=is_open)
        self.chunks = chunks if is_open else [sum(chunks)]
        self.is_over = False
        self.take()

    def take(self) -> None:
        self.account.ask(self.claim, self.chunks.pop(0))

    @property
    def can_go_on(self) -> bool:
        return not self.is_over and self.claim.granted.is_set()

    def go_on(self) -> None:
        if self.chunks:
            self.take()
            return
        self.account.close(self.claim, self.claim.held_bytes)
        self.end()

    def end(self) -> None:
        self.is_over = True
        self.claim.let_go()


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_whatever_comes_in_whatever_order_all_end_and_all_is_given_back(
    bodies: list[tuple[list[int], bool]], data: st.DataObject
) -> None:
    account, coming = an_account(), list(bodies)
    readers: list[Reader] = []
    while coming or any(not reader.is_over for reader in readers):
        able = [reader for reader in readers if reader.can_go_on]
        assert able or coming, "half-read bodies wait for each other"
        if coming and (not able or data.draw(st.booleans(), "one more comes")):
            chunks, is_open = coming.pop()
            readers.append(Reader(account, list(chunks), is_open=is_open))
        else:
            data.draw(st.sampled_from(able), "goes on").go_on()
        under_way = [reader for reader in readers if not reader.is_over]
        if under_way and data.draw(st.integers(0, 9), "a client goes") == 0:
            data.draw(st.sampled_from(under_way), "who goes").end()
        shares = [reader.claim.held_bytes for reader in readers]
        assert account.held_bytes == sum(shares)
        # All that is held fits, but for one body.
        assert sum(shares) - max(shares) <= LIMIT
    assert (account.held_bytes, account.waiting) == (0, 0)


def a_budget(queue_length: int = 5, wait_seconds: float = 5.0) -> BodyBudget:
    return BodyBudget(an_account(), queue_length, wait_seconds)


async def test_who_waits_goes_on_when_there_is_room() -> None:
    budget = a_budget()
    first, second = held(budget.account, 80), budget.account.claim()
    taking = asyncio.create_task(budget.take(second, 50), name="taking")
    await until(lambda: budget.is_short, "it waits")

    first.let_go()
    await taking

    assert second.held_bytes == 50


async def test_who_waits_too_long_is_refused_and_holds_nothing() -> None:
    budget = a_budget(wait_seconds=0.01)
    held(budget.account, 80)

    with pytest.raises(OverloadedError, match="no memory for the body within"):
        await budget.take(budget.account.claim(), 50)

    assert budget.figures() == {
        "bodies_bytes": 80,
        "budget_bytes": 100,
        "waiting_for_budget": 0,
        "refused_for_budget": 1,
    }


async def test_when_too_many_wait_the_next_one_is_refused_at_once() -> None:
    budget = a_budget(queue_length=1)
    held(budget.account, 80)
    first = asyncio.create_task(budget.take(budget.account.claim(), 50), name="first")
    await until(lambda: budget.is_short, "one waits")

    with pytest.raises(OverloadedError, match="too many"):
        await budget.take(budget.account.claim(), 50)

    assert budget.account.waiting == 1
    first.cancel()
    await until(lambda: not budget.is_short, "the other has gone")


async def test_bodies_that_need_not_be_in_memory_make_room() -> None:
    budget = a_budget()
    resting = held(budget.account, 80)
    budget.make_room = resting.let_go

    await budget.take(budget.account.claim(), 50)

    assert budget.account.held_bytes == 50


async def test_room_is_looked_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lb.budget.MAKE_ROOM_SECONDS", 0.001)
    budget = a_budget()
    resting, looks = held(budget.account, 80), iter(range(3))

    def make_room() -> None:
        if next(looks) == 2:
            resting.let_go()

    budget.make_room = make_room

    await budget.take(budget.account.claim(), 50)

    assert budget.account.held_bytes == 50


async def test_who_is_cancelled_just_when_it_is_granted_gives_back_what_it_holds() -> None:
    budget = a_budget()
    first, second = held(budget.account, 80), budget.account.claim()

    async def use() -> None:
        try:
            await budget.take(second, 50)
        finally:
            second.let_go()

    using = asyncio.create_task(use(), name="using")
    await until(lambda: budget.is_short, "it waits")
    cancel: Callable[[], bool] = using.cancel
    first.let_go()
    cancel()
    with pytest.raises(asyncio.CancelledError):
        await using

    assert budget.account.held_bytes == 0

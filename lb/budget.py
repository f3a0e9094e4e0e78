"""The byte budget: how much of clients' bodies is in memory at once, and who waits for room.

The accounting awaits nothing; `BodyBudget` waits on it. Where bodies come from and who keeps them
is not decided here.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lb.errors import OverloadedError

MAKE_ROOM_SECONDS = 0.25


class Account:
    """Who holds how many bytes, and who is next.

    Invariant: without one body never more is held than the limit. That one is longer than the
    limit, and alone; or it is the oldest of unknown length, which may pass the limit, because
    bodies that are half read would else wait for each other for ever.
    """

    def __init__(self, limit_bytes: Callable[[], int]) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0
        self._arrivals: dict[Claim, None] = {}
        self._growing: dict[Claim, None] = {}
        self._open: dict[Claim, None] = {}
        self._beyond: Claim | None = None
        """The one that has passed the limit, until it has given all back."""

    @property
    def limit_bytes(self) -> int:
        """How much may be held now."""
        return self._limit_bytes()

    @property
    def waiting(self) -> int:
        """How many bodies wait for room."""
        return len(self._arrivals) + len(self._growing)

    def claim(self, *, is_open: bool = False) -> "Claim":
        """Begin with nothing; `is_open` when the length of the body is not known."""
        return Claim(self, is_open)

    def ask(self, claim: "Claim", more_bytes: int) -> bool:
        """Grant more, or have the claim wait: those who hold come first, then who came first."""
        claim.wanted_bytes = more_bytes
        if not (self._arrivals or self._growing) and self._is_within(claim):
            self._give(claim)
            return True
        claim.granted.clear()
        (self._growing if claim.held_bytes else self._arrivals)[claim] = None
        self._grant()
        return claim.granted.is_set()

    def withdraw(self, claim: "Claim") -> None:
        """Let the claim wait no longer; does nothing when it does not wait."""
        self._arrivals.pop(claim, None)
        self._growing.pop(claim, None)
        claim.wanted_bytes = 0
        self._grant()

    def close(self, claim: "Claim", size: int) -> None:
        """Note that a body has been read to its end, and take back what it did not need."""
        self.held_bytes -= claim.held_bytes - size
        claim.held_bytes = size
        self._open.pop(claim, None)
        self._grant()

    def give_back(self, claim: "Claim") -> None:
        """Take back all that the claim holds."""
        self.held_bytes -= claim.held_bytes
        claim.held_bytes = 0
        self._open.pop(claim, None)
        if self._beyond is claim:
            self._beyond = None
        if self._arrivals or self._growing:
            self.withdraw(claim)

    def _grant(self) -> None:
        while self.waiting and (claim := self._next()) is not None:
            self._growing.pop(claim, None)
            self._arrivals.pop(claim, None)
            if not self._is_within(claim):
                self._beyond = claim
            self._give(claim)

    def _give(self, claim: "Claim") -> None:
        self.held_bytes += claim.wanted_bytes
        claim.held_bytes += claim.wanted_bytes
        claim.wanted_bytes = 0
        if claim.is_open:
            self._open[claim] = None
        claim.granted.set()

    def _next(self) -> "Claim | None":
        """Return who gets room now: whoever fits of those who hold, else who came first."""
        if self._growing:
            return next(filter(self._fits, self._growing), None)
        first = next(iter(self._arrivals), None)
        return first if first is not None and self._fits(first) else None

    def _fits(self, claim: "Claim") -> bool:
        if self._is_within(claim) or self.held_bytes == claim.held_bytes:
            return True
        is_oldest = claim is next(iter(self._open), None)
        return is_oldest and self._beyond in (None, claim)

    def _is_within(self, claim: "Claim") -> bool:
        return self.held_bytes + claim.wanted_bytes <= self.limit_bytes


@dataclass(eq=False, slots=True)
class Claim:
    """One body's share of the budget, given back once, when its last keeper has let go."""

    account: Account
    is_open: bool = False
    held_bytes: int = 0
    wanted_bytes: int = 0
    keepers: int = 1
    granted: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self) -> None:
        """Note one more who needs the body in memory."""
        assert self.keepers > 0, "what was given back is not kept again"
        self.keepers += 1

    def let_go(self) -> None:
        """Note that a keeper needs the body no longer."""
        assert self.keepers > 0, "it was given back already"
        self.keepers -= 1
        if self.keepers == 0:
            self.account.give_back(self)


class BodyBudget:
    """Waits for room on behalf of requests, in a queue of bounded length for a bounded time."""

    def __init__(self, account: Account, queue_length: int, wait_seconds: float) -> None:
        self.account = account
        self._queue_length = queue_length
        self._wait_seconds = wait_seconds
        self.refused = 0
        self.make_room: Callable[[], None] = lambda: None
        """Lets go of bodies that nobody needs in memory soon; called when somebody waits."""

    @property
    def is_short(self) -> bool:
        """Whether somebody waits for room."""
        return self.account.waiting > 0

    async def take(self, claim: Claim, more_bytes: int) -> None:
        """Return when the claim holds that much more; raises `OverloadedError`."""
        if self.account.ask(claim, more_bytes):
            return
        self.make_room()
        if claim.granted.is_set():
            return
        try:
            await self._wait(claim)
        finally:
            self.account.withdraw(claim)

    async def _wait(self, claim: Claim) -> None:
        if self.account.waiting > self._queue_length:
            self._refuse("too many requests wait for memory; nothing was done, try again")
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._granted(claim)
        except TimeoutError:
            # It may have been granted in the very turn of the loop in which the time was over.
            if not claim.granted.is_set():
                self._refuse(
                    f"no memory for the body within {self._wait_seconds:g} s; nothing was done, "
                    "try again"
                )

    async def _granted(self, claim: Claim) -> None:
        """Return when the claim is granted; look for room now and then meanwhile."""
        while not claim.granted.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MAKE_ROOM_SECONDS):
                    await claim.granted.wait()
                    return
            self.make_room()

    def _refuse(self, why: str) -> None:
        self.refused += 1
        raise OverloadedError(why)

    def figures(self) -> dict[str, int]:
        """Describe the budget at this moment."""
        return {
            "bodies_bytes": self.account.held_bytes,
            "budget_bytes": self.account.limit_bytes,
            "waiting_for_budget": self.account.waiting,
            "refused_for_budget": self.refused,
        }

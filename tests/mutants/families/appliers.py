"""Mutants of bringing the log to the instances: what is sent, and when an entry counts as done."""

import asyncio
from collections.abc import Callable

from lb import applier, lanes
from lb.catalogue import Collection
from lb.delivery import Delivery
from lb.errors import InstanceError, InstanceUnreachableError, LeadUnconfirmedError
from lb.executor import Execution, Executor
from lb.lanes import Decision, Lane, Step
from lb.merging import Window
from lb.model import Answer, Entry, Kind, Progress
from tests.mutants.patches import EveryNth, Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


def skip_when(patches: Patches, is_wrong: Callable[[str, Entry], bool]) -> None:
    """Have instances go past entries that they should be sent, without sending them."""

    def decide(
        lane: Lane,
        instance: str,
        able: Callable[[str, Entry], bool],
        now: float,
        hedge_seconds: float,
    ) -> Decision:
        decision: Decision = original(lane, instance, able, now, hedge_seconds)
        entry = decision.entry
        if decision.step is not Step.SEND or entry is None or not is_wrong(instance, entry):
            return decision
        misbehaved(f"{instance} goes past {entry}")
        return Decision(Step.SKIP, entry)

    original = patches.replace(applier, "decide", decide)


@mutant(Promise.DURABLE_WRITES, "primary-killed", "durability convergence", is_sample=True)
def one_direction(patches: Patches) -> None:
    """Only from the primary to the replica: what the replica took first never goes back."""
    skip_when(patches, lambda instance, e: instance == "primary" and e.outcome is not None)


@mutant(Promise.DURABLE_WRITES, "quiet", "resurrection convergence")
def delete_on_one_side(patches: Patches) -> None:
    """A delete that one instance has done is not sent to the other."""
    skip_when(patches, lambda _, e: e.kind is Kind.DELETE and e.outcome is not None)


@mutant(Promise.OTHERS_FOLLOW, "quiet", "durability convergence")
def write_on_one_side(patches: Patches) -> None:
    """Now and then an addition that one instance has done is not sent to the other."""
    due = EveryNth(5)
    added = (Kind.ADD, Kind.UPSERT)
    skip_when(patches, lambda _, e: e.kind in added and e.outcome is not None and due())


@mutant(Promise.FAILOVER, "primary-away", "availability")
def always_the_primary(patches: Patches) -> None:
    """Writes go to the primary first, also while it is down."""

    def preferred_instance(lane: Lane, able: list[str]) -> str | None:
        chosen: str | None = original(lane, able)
        if chosen not in (None, "primary"):
            misbehaved(f"would not give {lane} to {chosen}")
        return "primary"

    original = patches.replace(lanes, "preferred_instance", preferred_instance)


@mutant(Promise.DEFINITE_OUTCOMES, "primary-deaf", "durability convergence")
def acked_when_sent(patches: Patches) -> None:
    """A write whose connection broke counts as done, because it was sent."""

    async def execute(
        self: Executor, collection: Collection, window: Window, *, is_decided: bool
    ) -> Execution:
        try:
            execution: Execution = await original(self, collection, window, is_decided=is_decided)
        except LeadUnconfirmedError:
            raise
        except InstanceUnreachableError as error:
            misbehaved(f"takes {window.first} for done: {error}")
            uuid = collection.uuids.get(error.instance)
            return Execution(Answer(200, b"{}"), uuid)
        return execution

    original = patches.replace(Executor, "execute", execute)


@mutant(Promise.DEFINITE_OUTCOMES, "primary-deaf", "durability convergence")
def in_doubt_dropped(patches: Patches) -> None:
    """An entry whose connection broke is not sent to that instance again."""
    dropped: set[tuple[str, int]] = set()

    def note_failure(
        self: Delivery, collection: Collection, window: Window, error: InstanceError
    ) -> None:
        original(self, collection, window, error)
        if isinstance(error, InstanceUnreachableError):
            dropped.update((error.instance, each.position) for each in window.entries)

    original = patches.replace(Delivery, "_note_failure", note_failure)
    skip_when(patches, lambda instance, e: (instance, e.position) in dropped)


@mutant(Promise.DURABLE_WRITES, "primary-killed", "durability convergence")
def stops_at_the_first_error(patches: Patches) -> None:
    """Recovery of a lane ends with its first failed entry."""

    def note_failure(
        self: Delivery, collection: Collection, window: Window, error: InstanceError
    ) -> None:
        original(self, collection, window, error)
        misbehaved(f"gives {collection} up on {self.instance.name}")
        collection.lane.retry_at[self.instance.name] = float("inf")

    original = patches.replace(Delivery, "_note_failure", note_failure)


@mutant(Promise.LATE_REQUESTS, "primary-deaf", "convergence")
def retried_and_applied_twice(patches: Patches) -> None:
    """A write whose connection broke is repeated blindly, seconds later, beside the log."""
    retries: set[asyncio.Task[None]] = set()

    async def again(
        executor: Executor, collection: Collection, window: Window, is_decided: bool
    ) -> None:
        await asyncio.sleep(2.0)
        await original(executor, collection, window, is_decided=is_decided)
        misbehaved(f"applied {window.first} again")

    async def execute(
        self: Executor, collection: Collection, window: Window, *, is_decided: bool
    ) -> Execution:
        try:
            execution: Execution = await original(self, collection, window, is_decided=is_decided)
        except InstanceUnreachableError:
            retry = asyncio.create_task(
                again(self, collection, window, is_decided), name="blind retry"
            )
            retries.add(retry)
            retry.add_done_callback(retries.discard)
            raise
        return execution

    original = patches.replace(Executor, "execute", execute)


@mutant(Promise.IDEMPOTENT_WINDOWS, "primary-deaf-and-lb-killed", "durability convergence")
def cursor_before_write(patches: Patches) -> None:
    """The cursor is committed before the write is sent, not after its answer."""

    async def window(self: Delivery, collection: Collection, *, is_decided: bool) -> Window:
        chosen: Window = await original(self, collection, is_decided=is_decided)
        misbehaved(f"cursor of {self.instance.name} past {chosen.last}")
        await self._m.wal.record(Progress(advance=self._advance_to(chosen.last)))
        return chosen

    original = patches.replace(Delivery, "_window", window)

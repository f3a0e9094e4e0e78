"""Owns the end of a run: waiting until the system is at rest, and reading what instances hold."""

from collections.abc import Awaitable, Callable, Sequence

from harness.client.instance_reader import InstanceReader
from harness.errors import HarnessError, InstanceReadError
from harness.model.final_state import FinalState
from harness.model.history import DRAINED, SETTLED, UNREADABLE, HistoryWriter, Milestone
from harness.polling import poll_until

_INTERVAL_SECONDS = 0.1
_FINAL_READ_SECONDS = 20.0


class _NotAtRestError(HarnessError):
    """The time was over; the final reads and the checkers say what differs."""


async def settle(
    log: HistoryWriter,
    readers: Sequence[InstanceReader],
    pending: Callable[[], Awaitable[int | None]],
    clock: Callable[[], int],
    timeout_seconds: float,
) -> None:
    """Wait until all instances hold the same and the lb has nothing `pending`, if that is known.

    Records `DRAINED` and `SETTLED`, or nothing when the time is over.
    """

    async def see() -> bool:
        # The cheap question first: reading whole instances slows down those that catch up.
        left = await pending()
        if left:
            return False
        if left == 0 and log.history.milestone(DRAINED) is None:
            log.append(Milestone(name=DRAINED, at_ns=clock()))
        try:
            held = [await reader.tokens() for reader in readers]
        except InstanceReadError:
            return False
        return all(other == held[0] for other in held[1:])

    try:
        await poll_until(see, timeout_seconds, _NotAtRestError, _INTERVAL_SECONDS)
    except _NotAtRestError:
        return
    log.append(Milestone(name=SETTLED, at_ns=clock()))


async def read_final_states(
    log: HistoryWriter, readers: Sequence[InstanceReader], clock: Callable[[], int]
) -> tuple[FinalState, ...]:
    """Read everything from each instance; one that cannot be read is left out, and recorded."""
    states: list[FinalState] = []
    for reader in readers:
        errors: list[str] = []
        try:
            look = _read(reader, errors)
            states.append(await poll_until(look, _FINAL_READ_SECONDS, _NotAtRestError))
        except _NotAtRestError:
            detail = f"{reader.name}: {errors[-1] if errors else 'no answer'}"
            log.append(Milestone(name=UNREADABLE, at_ns=clock(), detail=detail))
    return tuple(states)


def _read(reader: InstanceReader, errors: list[str]) -> Callable[[], Awaitable[FinalState | None]]:
    async def see() -> FinalState | None:
        try:
            return await reader.final_state()
        except InstanceReadError as error:
            errors.append(str(error))
            return None

    return see

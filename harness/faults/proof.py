"""Owns the waiting of a proof: what must be seen, and for how long it may take."""

from collections.abc import Callable

from harness.errors import FaultError
from harness.faults.probe import Sight, look
from harness.polling import poll_until

PROOF_SECONDS = 30.0


async def prove(
    url: str,
    shows: Callable[[Sight], str],
    failure: str,
    patience_seconds: float,
) -> str:
    """Look until `shows` returns the evidence in words; raises `FaultError` when it never does."""
    last = "nothing"

    async def see() -> str:
        nonlocal last
        sight = await look(url, patience_seconds)
        last = f"{sight.came} after {sight.seconds:.2f} s"
        return shows(sight)

    return await poll_until(
        see,
        PROOF_SECONDS,
        lambda: FaultError(
            f"{failure} within {PROOF_SECONDS:g} s (last seen: {last}): see the logs in the run "
            "directory"
        ),
    )

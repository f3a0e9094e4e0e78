"""Memory: the peak under many large bodies at once, and many files inside a small container."""

from collections.abc import Sequence

from bench.comparing import Goal, skipped, stated
from bench.figure import Better, Figure
from bench.generator import run_load
from bench.memory import LimitedGroup, peak_resident_bytes, why_no_group, why_no_peak
from bench.order import Order, Outcome, Sort
from bench.plan import Bench
from bench.requests import LARGE_DIMENSION
from bench.rig import replicated
from bench.rounds import Spread
from bench.subjects import our_subject

BODIES, FILES = "bodies", "files"
_BODIES = 128
# With the embeddings of a large model a body of 5 MB is this many documents: 61 KB for each.
_DOCUMENTS_PER_BODY = 82
_BODIES_SECONDS = 150.0
_FILES = 500
_CHUNKS, _CLIENTS = 50, 32
_FILES_SECONDS = 150.0
_LIMIT_BYTES = 400_000_000

_PEAK = Goal("peak_memory_128_bodies_of_5_mb", Better.LOWER, 300.0)
_BODIES_TAKEN = Goal("bodies_taken_of_128", Better.HIGHER, float(_BODIES))
_FILES_PEAK = Goal("peak_memory_500_files_in_400_mb", Better.LOWER, 400.0)
_FILES_TAKEN = Goal("files_taken_in_400_mb", Better.HIGHER, float(_FILES))
_FILES_RATE = Goal("chunks_rate_in_400_mb", Better.HIGHER)


async def measure_bodies(bench: Bench) -> list[Figure]:
    """Send many large adds at once to a fresh load balancer; state the most that it had resident.

    Clients who are told to come again later do so.
    """
    units = ((_PEAK, "MB"), (_BODIES_TAKEN, "bodies"))
    if why := why_no_peak():
        bench.tell(f"{BODIES}: {why}")
        return [skipped(goal, unit, BODIES, why) for goal, unit in units]
    async with bench.rig(BODIES) as rig:
        behind = await replicated(rig)
        ours = our_subject(behind.lb.url)
        order = Order(
            port=ours.port,
            sort=Sort.ADD,
            collections=(await ours.new_collection(),),
            clients=_BODIES,
            count=_BODIES,
            window_seconds=_BODIES_SECONDS,
            documents_per_request=_DOCUMENTS_PER_BODY,
            dimension=LARGE_DIMENSION,
            retries=True,
        )
        outcome = await run_load(order)
        bench.note(BODIES, outcome)
        peak_mb = peak_resident_bytes(behind.lb) / 1e6
    note = _told(outcome, _BODIES)
    bench.tell(f"{BODIES}: peak {peak_mb:.0f} MB; {note}")
    return _figures(units, (peak_mb, float(outcome.completed)), BODIES, note)


async def measure_files(bench: Bench) -> list[Figure]:
    """Ingest files of 50 chunks by 32 clients, the load balancer inside a limit of 400 MB."""
    units = ((_FILES_PEAK, "MB"), (_FILES_TAKEN, "files"), (_FILES_RATE, "1/s"))
    if why := why_no_group():
        bench.tell(f"{FILES}: {why}")
        return [skipped(goal, unit, FILES, why) for goal, unit in units]
    async with bench.rig(FILES) as rig:
        group = LimitedGroup(rig, _LIMIT_BYTES)
        behind = await replicated(rig, prefix=group.prefix)
        ours = our_subject(behind.lb.url)
        order = Order(
            port=ours.port,
            sort=Sort.ADD,
            collections=(await ours.new_collection(),),
            clients=_CLIENTS,
            count=_FILES,
            window_seconds=_FILES_SECONDS,
            documents_per_request=_CHUNKS,
            retries=True,
        )
        outcome = await run_load(order)
        bench.note(FILES, outcome)
        is_alive = behind.lb.process.is_alive()
        peak_mb, refusals = group.peak_bytes / 1e6, group.refusals
    end = "" if is_alive else f"; the load balancer ended by {behind.lb.process.ending}"
    note = f"{_told(outcome, _FILES)}; memory was refused {refusals} times{end}"
    bench.tell(f"{FILES}: peak {peak_mb:.0f} MB, {outcome.rate * _CHUNKS:.0f} chunks/s; {note}")
    values = peak_mb, float(outcome.completed), outcome.rate * _CHUNKS
    return _figures(units, values, FILES, note)


def _figures(
    units: Sequence[tuple[Goal, str]], values: Sequence[float], case: str, note: str
) -> list[Figure]:
    return [
        stated(goal, Spread(value, value, value), unit, case, note=note)
        for (goal, unit), value in zip(units, values, strict=True)
    ]


def _told(outcome: Outcome, wanted: int) -> str:
    """Say how the requests went."""
    said = f"{outcome.completed} of {wanted} accepted in {outcome.seconds:.1f} s"
    if outcome.refused:
        said += f", after they were told to come again {outcome.refused} times"
    if outcome.failed:
        said += f"; failed: {outcome.statuses}"
    return said

"""Every case by its name, in the order in which they are measured."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.cases import adds, lag, memory, queries, replay, upstream
from bench.figure import Figure
from bench.plan import Bench


@dataclass(frozen=True)
class Case:
    """A group of figures; `in_quick` tells whether a quick look has it."""

    name: str
    about: str
    measure: Callable[[Bench], Awaitable[list[Figure]]]
    in_quick: bool = True


CASES = (
    Case(adds.NAME, "single adds by 1, 8, 32 and 128 clients", adds.measure),
    Case(queries.NAME, "searches by 1 and 8 clients", queries.measure),
    Case(upstream.NAME, "processor time for a request, beside nginx", upstream.measure),
    Case(replay.NAME, "catching up after an outage", replay.measure, in_quick=False),
    Case(lag.NAME, "from the answer until every instance has it", lag.measure, in_quick=False),
    Case(memory.BODIES, "128 bodies of 5 MB at once", memory.measure_bodies, in_quick=False),
    Case(memory.FILES, "500 files inside 400 MB", memory.measure_files, in_quick=False),
)

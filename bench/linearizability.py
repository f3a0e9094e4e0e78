"""Measures how long the linearizability engine takes: `python bench/linearizability.py`.

Clients of a simulated store make one request after another; each takes effect at a random moment
between its invocation and its return, so every history is linearizable until one is spoiled.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from harness.checkers.linearizability import UNKNOWN, Call, check
from harness.checkers.models import ABSENT, Access, ChromaDocument, Request
from harness.model.verdict import Outcome

_REQUESTS = (Request.GET, Request.UPSERT, Request.UPDATE, Request.ADD, Request.DELETE)
_WEIGHTS = (50, 25, 5, 10, 10)

ChromaCall = Call[Access, str]


@dataclass(frozen=True)
class Shape:
    """How a history is made; `doubts` is the share of the writes whose outcome nobody knows."""

    name: str
    operations: int
    documents: int
    clients: int
    doubts: float = 0.0
    spoiled: bool = False


_SHAPES = (
    Shape("target: 100,000 over 2,000 ids, 8 clients", 100_000, 2_000, 8),
    Shape("the same, 1 % of writes in doubt", 100_000, 2_000, 8, doubts=0.01),
    Shape("the same, 10 % of writes in doubt", 100_000, 2_000, 8, doubts=0.1),
    Shape("the same, one read wrong", 100_000, 2_000, 8, spoiled=True),
    Shape("100,000 over 20 ids, 8 clients", 100_000, 20, 8),
    Shape("100,000 over 1 id, 8 clients", 100_000, 1, 8),
    Shape("20,000 over 20 ids, 32 clients", 20_000, 20, 32),
    Shape("20,000 over 20 ids, 8 clients, 1 % in doubt", 20_000, 20, 8, doubts=0.01),
    Shape("400 over 1 id, 8 clients, 5 % in doubt", 400, 1, 8, doubts=0.05),
    Shape("the same, one read wrong", 400, 1, 8, doubts=0.05, spoiled=True),
)


def _requests(shape: Shape, chance: random.Random) -> Iterator[tuple[int, int, int, Access]]:
    """Yield (moment of effect, invocation, return, request) of each client in turn."""
    for client in range(shape.clients):
        now = chance.randrange(1_000)
        for n in range(shape.operations // shape.clients):
            request = chance.choices(_REQUESTS, _WEIGHTS)[0]
            document = ("files", f"document-{chance.randrange(shape.documents)}")
            brings = request not in (Request.GET, Request.DELETE)
            token = f"{document[1]}@{client}.{n}" if brings else ABSENT
            end = now + chance.randrange(100, 2_000)
            yield chance.randrange(now, end), now, end, Access(request, document, token)
            now = end + chance.randrange(1, 500)


def make_history(shape: Shape, seed: int) -> list[ChromaCall]:
    """Make the calls of a store that is linearizable, and spoil one read if the shape says so."""
    chance = random.Random(seed)  # noqa: S311 (reproducible on purpose)
    model = ChromaDocument()
    states: dict[tuple[str, str], str] = {}
    calls: list[ChromaCall] = []
    ordered = sorted(_requests(shape, chance), key=lambda request: request[0])
    for n, (_, start, end, access) in enumerate(ordered):
        doubtful = access.request is not Request.GET and chance.random() < shape.doubts
        state = states.get(access.document, ABSENT)
        output = state if access.request is Request.GET else ABSENT
        if not doubtful:
            calls.append(Call(f"#{n}", access, output, start, end))
        else:
            calls.append(Call(f"#{n}", access, UNKNOWN, start, None))
        if not doubtful or chance.random() < 0.5:
            states[access.document] = model.step(state, access, UNKNOWN)[1]
    return _spoiled(calls) if shape.spoiled else calls


def _spoiled(calls: list[ChromaCall]) -> list[ChromaCall]:
    """Let a read near the end return the first content that its document ever had."""
    wrong = next(
        n
        for n in reversed(range(len(calls)))
        if calls[n].input.request is Request.GET and calls[n].output != ABSENT
    )
    document = calls[wrong].input.document
    oldest = next(c.input.token for c in calls if c.input.document == document and c.input.token)
    return [*calls[:wrong], replace(calls[wrong], output=oldest), *calls[wrong + 1 :]]


def main() -> int:
    """Print a line for each shape; exit with 1 if a verdict is not what the shape must give."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    wrong = 0
    for shape in _SHAPES:
        calls = make_history(shape, seed)
        start = time.perf_counter()
        verdict = check(ChromaDocument(), calls)
        seconds = time.perf_counter() - start
        wrong += verdict.outcome is not (Outcome.FAIL if shape.spoiled else Outcome.PASS)
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(  # noqa: T201 (this is its purpose)
            f"{shape.name:45} {verdict.outcome:8} {seconds:7.2f} s  "
            f"{verdict.figures['steps']:>11,.0f} steps  peak {peak_mib:,.0f} MiB so far"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

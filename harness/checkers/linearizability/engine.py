"""Owns the judgement of a whole history: every partition gets its share of a budget of steps."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence

from harness.checkers.linearizability.minimal import minimal
from harness.checkers.linearizability.model import Call, InputT, Model, OutputT, StateT
from harness.checkers.linearizability.search import Answer, Counterexample, Search
from harness.model.verdict import Outcome, Verdict, Violation, decide

NAME = "linearizability"

# A step takes 5 to 10 us on a busy machine, and up to 0.3 KB while its partition is undecided.
DEFAULT_STEPS = 2_000_000

# What a partition may use before the next one has its turn.
_TURN_STEPS = 5_000

_CALLS_SHOWN = 40


def check(
    model: Model[StateT, InputT, OutputT],
    calls: Iterable[Call[InputT, OutputT]],
    budget: int = DEFAULT_STEPS,
    origin_ns: int | None = None,
) -> Verdict:
    """Judge whether every partition of the calls is linearizable; the first that is not ends it.

    Partitions take turns, so that one that is hard to decide hides no fault of another. The verdict
    is unknown when `budget` steps of the model did not decide all, and when there are no calls.
    Evidence tells times from `origin_ns` on, by default from the first call of its partition.
    """
    by_partition: dict[Hashable, list[Call[InputT, OutputT]]] = defaultdict(list)
    for call in calls:
        by_partition[model.partition(call.input)].append(call)
    figures = {"partitions": float(len(by_partition)), "steps": 0.0}
    examined = sum(map(len, by_partition.values()))
    # A search is made when its first turn comes and dropped when decided: most are never waiting.
    waiting: deque[tuple[Hashable, Search[StateT, InputT, OutputT] | None]] = deque(
        (partition, None) for partition in by_partition
    )
    left = budget
    while waiting and left > 0:
        partition, started = waiting.popleft()
        search = started or Search(model, by_partition[partition])
        already = search.steps
        answer = search.advance(min(_TURN_STEPS, left))
        left -= search.steps - already
        figures["steps"] += search.steps - already
        if answer is Answer.ILLEGAL:
            violation = _violation(model, partition, by_partition[partition], origin_ns)
            return decide(NAME, examined, [violation], figures)
        if answer is Answer.UNDECIDED:
            waiting.append((partition, search))
    if waiting:
        return _undecided(examined, figures, len(waiting), budget)
    return decide(NAME, examined, (), figures)


def _undecided(examined: int, figures: dict[str, float], waiting: int, budget: int) -> Verdict:
    of = f"{waiting} of {figures['partitions']:.0f} partitions"
    return Verdict(
        checker=NAME,
        outcome=Outcome.UNKNOWN,
        examined=examined,
        figures=figures,
        reason=f"{of} are undecided after {budget:,} steps: too much overlaps or is in doubt",
    )


def _violation(
    model: Model[StateT, InputT, OutputT],
    partition: Hashable,
    calls: Sequence[Call[InputT, OutputT]],
    origin_ns: int | None,
) -> Violation:
    """Show the smallest part of the calls that no order explains."""
    subject = f" on {model.show_partition(partition)}" if partition != "" else ""
    if origin_ns is None:
        origin_ns = min(call.invoked_ns for call in calls)
    message = f"no order of the operations{subject} explains what clients were told"
    search = Search(model, minimal(model, calls))
    search.advance(DEFAULT_STEPS)
    example = search.counterexample()
    evidence = tuple(_evidence(model, example, origin_ns))
    return Violation(message, evidence, operation=example.stuck[0].name if example.stuck else "")


def _evidence(
    model: Model[StateT, InputT, OutputT],
    example: Counterexample[StateT, InputT, OutputT],
    origin_ns: int,
) -> Iterable[str]:
    """Say where it got stuck first: a reader may see no more than a few lines."""

    def show(call: Call[InputT, OutputT]) -> str:
        start = f"{(call.invoked_ns - origin_ns) / 1e9:.6f} s"
        end = "?" if call.returned_ns is None else f"{(call.returned_ns - origin_ns) / 1e9:.6f} s"
        return f"{call.name}: {model.show_call(call.input, call.output)} ({start} to {end})"

    placed = len(example.prefix)
    yield f"after the longest order found ({placed} operations): {model.show_state(example.state)}"
    yield "none of these can come next:"
    yield from (f"  {show(call)}" for call in example.stuck[:_CALLS_SHOWN])
    if placed > _CALLS_SHOWN:
        yield f"the longest order, its last {_CALLS_SHOWN} operations:"
    else:
        yield "the longest order:"
    yield from (f"  {show(call)}" for call in example.prefix[-_CALLS_SHOWN:])
    if example.later:
        yield f"operations after that: {example.later}"

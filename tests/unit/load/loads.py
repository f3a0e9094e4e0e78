"""Makes histories of loads: levels of a second each, in which users get their answers."""

from harness.model.history import CLIENTS_STOPPED, PHASE_STARTED, History, Milestone
from harness.model.operation import Completion, Kind, Operation
from tests.unit.checkers.histories import SECOND, history, operation

MILLISECOND = SECOND // 1000


def level(name: str, at: int) -> Milestone:
    return Milestone(name=PHASE_STARTED, at_ns=at * SECOND, detail=name)


def stopped(at: int) -> Milestone:
    return Milestone(name=CLIENTS_STOPPED, at_ns=at * SECOND)


def answers(
    phase: str,
    at: int,
    count: int,
    takes_ms: int,
    completion: Completion = Completion.OK,
    user: int = 1,
) -> list[Operation]:
    """So many upserts of one document, evenly over the second that begins `at`."""
    starts = [at * SECOND + n * SECOND // count for n in range(count)]
    return [
        operation(
            Kind.UPSERT,
            start,
            start + takes_ms * MILLISECOND,
            completion,
            tokens=[f"f/0@{user}.{start}"],
            process=f"user-0-{user}",
            phase=phase,
        )
        for start in starts
    ]


def three_steps() -> History:
    """The second step brings most for what it costs; the third brings a little more, slowly."""
    return history(
        level("1: 1 user", 0),
        level("2: 2 users", 1),
        level("3: 4 users", 2),
        *answers("1: 1 user", 0, 20, 10),
        *answers("2: 2 users", 1, 40, 12),
        *answers("3: 4 users", 2, 44, 900),
        stopped(4),
    )

"""Judges servers that ended by themselves: a load balancer never does; what others do is counted.

That it is started again hides nothing: clients were without it, and who deploys it may have nobody
who starts it. A Chroma server may die of its own faults, which the load balancer has to survive.
"""

from collections import Counter
from collections.abc import Sequence

from harness.checkers.disturbances import server_endings
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import ServerEnding
from harness.model.verdict import Verdict, Violation, decide

NAME = "endings"
LOAD_BALANCER = "lb"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look at each ending that no fault explains."""
    del finals
    endings = server_endings(history)
    began_ns = min((o.invoked_ns for o in history.operations), default=0)
    violations = [
        Violation(
            f"{LOAD_BALANCER} ended by itself with {each.ending}", (describe(each, began_ns),)
        )
        for each in endings
        if each.server == LOAD_BALANCER
    ]
    figures = {server: float(n) for server, n in Counter(e.server for e in endings).items()}
    return decide(NAME, len(endings), violations, figures)


def describe(ending: ServerEnding, began_ns: int) -> str:
    """Say in one line what was seen, in seconds since the clients began."""
    at_seconds = (ending.alive_ns - began_ns) / 1e9
    again = f"{(ending.answered_ns - ending.alive_ns) / 1e9:.2f} s later it answered again"
    return (
        f"{ending.server} was last seen alive at {at_seconds:.2f} s, ended with {ending.ending}; "
        f"{again if ending.answered_ns else f'was not started again: {ending.error}'}"
    )

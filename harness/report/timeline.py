"""Owns the timeline of a run: what happened when, in seconds since the first operation."""

from collections.abc import Iterator
from itertools import groupby

from harness.model.history import PHASE_STARTED, History
from harness.model.observation import ServerEnding
from harness.model.operation import Completion


def timeline(history: History) -> Iterator[str]:
    """Give a line for each phase, step of a fault, milestone, ending and second with failures."""
    began_ns = min((o.invoked_ns for o in history.operations), default=0)
    for at_ns, text in sorted(_events(history)):
        yield f"{(at_ns - began_ns) / 1e9:8.2f} s  {text}"


def _events(history: History) -> Iterator[tuple[int, str]]:
    for milestone in history.milestones:
        detail = f" ({milestone.detail})" if milestone.detail else ""
        is_phase = milestone.name == PHASE_STARTED
        text = f"phase {milestone.detail}" if is_phase else f"{milestone.name}{detail}"
        yield milestone.at_ns, text
    for window in history.fault_windows.values():
        steps = (
            (window.injected_ns, f"injected {window.event}".rstrip()),
            (window.effect_observed_ns, window.effect_evidence),
            (window.healed_ns, f"healed {window.ended_early}".rstrip()),
            (window.heal_observed_ns, window.heal_evidence),
        )
        yield from ((at_ns, f"{window.fault}: {text}") for at_ns, text in steps if at_ns)
    for ending in history.observed(ServerEnding):
        again = "" if ending.answered_ns else ", and was not started again"
        yield ending.alive_ns, f"{ending.server} ended by itself with {ending.ending}{again}"
    yield from _failures(history)


def _failures(history: History) -> Iterator[tuple[int, str]]:
    """Count what failed, by the second in which it was asked for."""
    failed = [o for o in history.operations if o.completion is not Completion.OK]
    failed.sort(key=lambda operation: operation.invoked_ns)
    for _, group in groupby(failed, key=lambda operation: operation.invoked_ns // 1_000_000_000):
        operations = list(group)
        kinds = ", ".join(sorted({str(operation.kind) for operation in operations}))
        yield operations[0].invoked_ns, f"{len(operations)} operations did not succeed: {kinds}"

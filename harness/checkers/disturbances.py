"""Owns which moments of a run were disturbed, by a fault or a server's own end, and of what."""

from collections.abc import Iterator

from harness.model.fault_window import FaultWindow
from harness.model.history import History
from harness.model.observation import InstanceSample, ServerEnding

# A fault that was never seen to heal lasts to the end of the run.
_FOR_EVER_NS = 1 << 62


def instance_names(history: History) -> list[str]:
    """Name the instances that the harness watched."""
    return sorted({sample.instance for sample in history.observed(InstanceSample)})


def server_endings(history: History) -> list[ServerEnding]:
    """Return each ending once, as its last record says: a start that failed is tried again."""
    endings = {(each.server, each.alive_ns): each for each in history.observed(ServerEnding)}
    return list(endings.values())


def span_of(window: FaultWindow) -> tuple[int, int]:
    """Tell from when to when a fault may have had an effect."""
    return window.injected_ns, window.heal_observed_ns or _FOR_EVER_NS


def disturbed(
    history: History, span: tuple[int, int], *, but_instances: bool = False, instance: str = ""
) -> bool:
    """Tell whether any fault, or any server that ended by itself, overlaps the span.

    With `but_instances` those of single instances do not count; with `instance` those of the other
    instances do not. What befell anything else always counts.
    """
    names = instance_names(history)
    for target, (began_ns, ended_ns) in _disturbances(history):
        if target in names and (but_instances or (instance and target != instance)):
            continue
        if began_ns <= span[1] and span[0] <= ended_ns:
            return True
    return False


def _disturbances(history: History) -> Iterator[tuple[str, tuple[int, int]]]:
    for window in history.fault_windows.values():
        yield window.target, span_of(window)
    for each in server_endings(history):
        yield each.server, (each.alive_ns, each.answered_ns or _FOR_EVER_NS)

"""Owns which moments of a run were disturbed by a fault, and of what."""

from harness.model.fault_window import FaultWindow
from harness.model.history import History
from harness.model.observation import InstanceSample

# A fault that was never seen to heal lasts to the end of the run.
_FOR_EVER_NS = 1 << 62


def instance_names(history: History) -> list[str]:
    """Name the instances that the harness watched."""
    return sorted({sample.instance for sample in history.observed(InstanceSample)})


def span_of(window: FaultWindow) -> tuple[int, int]:
    """Tell from when to when a fault may have had an effect."""
    return window.injected_ns, window.heal_observed_ns or _FOR_EVER_NS


def disturbed(
    history: History, span: tuple[int, int], *, but_instances: bool = False, instance: str = ""
) -> bool:
    """Tell whether any fault overlaps the span.

    With `but_instances` those of single instances do not count; with `instance` those of the other
    instances do not. A fault of anything else always counts.
    """
    names = instance_names(history)
    for window in history.fault_windows.values():
        if window.target in names and (but_instances or (instance and window.target != instance)):
            continue
        began_ns, ended_ns = span_of(window)
        if began_ns <= span[1] and span[0] <= ended_ns:
            return True
    return False

"""Judges that the run was a test at all: every planned fault took effect and healed, both seen."""

from collections.abc import Sequence

from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, decide, unknown

NAME = "faults"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare the planned faults with what was observed; never fail, for this judges no promise."""
    del finals
    planned = list(history.header.faults)
    windows = [history.fault_windows[index] for index in sorted(history.fault_windows)]
    if [window.fault for window in windows] != planned:
        return unknown(NAME, f"planned were {planned}, done were {[w.fault for w in windows]}")
    for window in windows:
        if not window.took_effect:
            return unknown(NAME, f"{window.fault} was not seen to take effect")
        if window.ended_early:
            return unknown(NAME, f"{window.fault} was over early: {window.ended_early}")
        if not window.was_healed:
            return unknown(NAME, f"{window.fault} was not seen to heal")
    return decide(NAME, len(windows), ())

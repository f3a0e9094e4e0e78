"""Decides whether a history of calls is linearizable for a sequential model, and why not.

`check(model, calls, budget)` is the door; `Model` is what a caller describes its service with.
"""

from harness.checkers.linearizability.engine import DEFAULT_STEPS, NAME, check
from harness.checkers.linearizability.model import UNKNOWN, Call, Model, Unknown

__all__ = ["DEFAULT_STEPS", "NAME", "UNKNOWN", "Call", "Model", "Unknown", "check"]

"""Owns the smallest part of a history that no order explains: what a reader must look at, no more.

What happened up to a moment is a history of its own, in which what had not returned is in doubt; if
no order explains it, none explains the whole. So the shortest such beginning is taken. A read that
is left out makes nothing harder to explain either. A write may, so all writes stay.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from harness.checkers.linearizability.model import UNKNOWN, Call, InputT, Model, OutputT, StateT
from harness.checkers.linearizability.search import Answer, Search

_STEPS = 300_000
_READS_TRIED = 200


def minimal(
    model: Model[StateT, InputT, OutputT], calls: Sequence[Call[InputT, OutputT]]
) -> list[Call[InputT, OutputT]]:
    """Reduce calls that no order explains; what is not decided within the budget is kept."""
    budget = _STEPS

    def is_illegal(tried: Sequence[Call[InputT, OutputT]]) -> bool:
        nonlocal budget
        search = Search(model, tried)
        answer = search.advance(max(0, budget))
        budget -= search.steps
        return answer is Answer.ILLEGAL

    ends_ns = sorted(call.returned_ns for call in calls if call.returned_ns is not None)
    first = bisect_left(ends_ns, True, key=lambda end_ns: is_illegal(_until(model, calls, end_ns)))
    found = list(calls) if first == len(ends_ns) else _until(model, calls, ends_ns[first])
    reads = [call for call in found if model.is_read(call.input)]
    for read in reads[:_READS_TRIED]:
        without = [call for call in found if call is not read]
        if is_illegal(without):
            found = without
    return found


def _until(
    model: Model[StateT, InputT, OutputT], calls: Sequence[Call[InputT, OutputT]], end_ns: int
) -> list[Call[InputT, OutputT]]:
    """Give what was known at that moment; a read that had not returned says nothing."""
    known = []
    for call in calls:
        if call.invoked_ns > end_ns:
            continue
        if call.returned_ns is None or call.returned_ns <= end_ns:
            known.append(call)
        elif not model.is_read(call.input):
            known.append(replace(call, output=UNKNOWN, returned_ns=None))
    return known

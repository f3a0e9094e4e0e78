"""Owns the lanes of servers: from when to when each was measured, and what befell it."""

from collections.abc import Iterator
from itertools import pairwise

from harness.model.observation import ServerEnding
from harness.report.html.facts import RunFacts
from harness.report.html.spans import Span

# Servers are measured once a second; what is missing for longer was not there.
_SAMPLE_GAP_NS = 2_500_000_000
_FIRST = ("primary", "replica")
_LAST = ("postgres", "lb")


def server_names(facts: RunFacts) -> list[str]:
    """Name the servers that were measured or broken: instances first, then PostgreSQL, the lb."""
    names = {cost.server for cost in facts.costs}
    names |= {window.target for window in facts.history.fault_windows.values()}
    names |= {ending.server for ending in facts.history.observed(ServerEnding)}
    middle = sorted(names - {*_FIRST, *_LAST})
    instances = [name for name in middle if name.startswith("replica")]
    others = [name for name in middle if name not in instances]
    return [name for name in (*_FIRST, *instances, *_LAST, *others) if name in names]


def server_spans(facts: RunFacts, server: str) -> Iterator[Span]:
    """Yield the stretches in which a server ran, was broken by a fault, or had ended by itself."""
    yield from _running(facts, server)
    for window in facts.history.fault_windows.values():
        if window.target == server and window.injected_ns:
            until_ns = window.healed_ns
            yield Span(
                begin=facts.seconds(window.injected_ns),
                end=facts.seconds(until_ns) if until_ns else facts.end_seconds,
                look="fault",
                label=window.fault.replace(f" {server}", ""),
                detail=f"{window.fault}: {window.effect_evidence}",
            )
    for ending in facts.history.observed(ServerEnding):
        if ending.server == server:
            back_ns = ending.answered_ns
            yield Span(
                begin=facts.seconds(ending.alive_ns),
                end=facts.seconds(back_ns) if back_ns else facts.end_seconds,
                look="bad",
                label="ended by itself",
                detail=f"{server} ended by itself with {ending.ending}",
            )


def _running(facts: RunFacts, server: str) -> Iterator[Span]:
    """Yield the stretches in which the process was measured again and again.

    It runs on after its last sample until something befell it.
    """
    moments = [cost.at_ns for cost in facts.costs if cost.server == server]
    if not moments:
        return
    befell = sorted(_befell(facts, server))
    begin_ns = moments[0]
    for earlier_ns, later_ns in pairwise([*moments, moments[-1] + 2 * _SAMPLE_GAP_NS]):
        if later_ns - earlier_ns > _SAMPLE_GAP_NS:
            soon = (ns for ns in befell if earlier_ns <= ns <= earlier_ns + _SAMPLE_GAP_NS)
            yield Span(
                begin=max(0.0, facts.seconds(begin_ns)),
                end=facts.seconds(next(soon, earlier_ns)),
                look="runs",
                label="",
                detail=f"{server} runs",
            )
            begin_ns = later_ns


def _befell(facts: RunFacts, server: str) -> Iterator[int]:
    for window in facts.history.fault_windows.values():
        if window.target == server:
            yield window.injected_ns
    for ending in facts.history.observed(ServerEnding):
        if ending.server == server:
            yield ending.alive_ns

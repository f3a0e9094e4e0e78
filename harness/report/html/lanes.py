"""Owns the swim lanes of a run: what was planned, seen and believed, each on the one time axis."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from harness.model.fault_window import FaultWindow
from harness.model.history import PHASE_STARTED
from harness.model.observation import ServerEnding
from harness.report.html.beliefs import SILENT, Belief, Detection
from harness.report.html.facts import RunFacts

# Servers are measured once a second; what is missing for longer was not there.
_SAMPLE_GAP_NS = 2_500_000_000
_LOOKS = {
    "UP": "good",
    "healthy": "good",
    "SUSPECT": "doubt",
    "CATCHING_UP": "doubt",
    "DOWN": "bad",
    "NEEDS_REBUILD": "bad",
    "unhealthy": "bad",
    SILENT: "none",
}
_BENEATH = frozenset({"runs", "mark"})
"""They lie under what else there is at that time."""

_FIRST = ("primary", "replica")
_LAST = ("postgres", "lb")


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a lane; a `begin` that is its `end` is a mark. `row` is where it lies in it.

    `look` is one of: plan, fault, good, doubt, bad, none, gap, runs, mark. A fault is `sure` from
    its effect on until it was healed, and was not seen to be there, or to be gone, around that.
    """

    begin: float
    end: float
    look: str
    label: str
    detail: str = ""
    row: int = 0
    sure: tuple[float, float] | None = None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the chart, as high as the spans in it that overlap; `about` says what it is."""

    title: str
    about: str
    rows: int
    spans: tuple[Span, ...]


def lanes(
    facts: RunFacts, believed: dict[str, list[Belief]], detected: Sequence[Detection]
) -> tuple[Lane, ...]:
    """Give all lanes, from the plan to the servers."""
    return (
        _lane("Phases", "what the run did when", _phases(facts)),
        _lane("Planned faults", "the schedule", _plan(facts)),
        _lane("Observed faults", "from when to when each was seen to be in force", _faults(facts)),
        *(
            _lane(f"lb says: {name}", "what the load balancer believed", _beliefs(facts, changes))
            for name, changes in believed.items()
        ),
        *(
            [
                _lane(
                    "Detection gap",
                    "from the fault until the load balancer knew",
                    _gaps(facts, detected),
                )
            ]
            if detected
            else []
        ),
        *(
            _lane(server, "the server process", _server(facts, server))
            for server in server_names(facts)
        ),
    )


def server_names(facts: RunFacts) -> list[str]:
    """Name the servers that were measured or broken: instances first, then PostgreSQL, the lb."""
    names = {cost.server for cost in facts.costs}
    names |= {window.target for window in facts.history.fault_windows.values()}
    names |= {ending.server for ending in facts.history.observed(ServerEnding)}
    middle = sorted(names - {*_FIRST, *_LAST})
    instances = [name for name in middle if name.startswith("replica")]
    others = [name for name in middle if name not in instances]
    return [name for name in (*_FIRST, *instances, *_LAST, *others) if name in names]


def _lane(title: str, about: str, spans: Iterable[Span]) -> Lane:
    """Lay the spans into as few rows as keep them apart."""
    ends: list[float] = []
    laid = []
    for span in sorted(spans, key=lambda each: each.begin):
        if span.look in _BENEATH:
            laid.append(span)
            continue
        row = next((n for n, end in enumerate(ends) if end <= span.begin), len(ends))
        ends[row : row + 1] = [span.end]
        laid.append(msgspec.structs.replace(span, row=row))
    return Lane(title=title, about=about, rows=max(1, len(ends)), spans=tuple(laid))


def _phases(facts: RunFacts) -> Iterator[Span]:
    for name, begin, end in facts.phases:
        yield Span(begin=begin, end=end, look="plan", label=name, detail=f"phase {name}")
    for milestone in facts.history.milestones:
        if milestone.name != PHASE_STARTED:
            at = facts.seconds(milestone.at_ns)
            detail = f"{milestone.name} {milestone.detail}".rstrip()
            yield Span(begin=at, end=at, look="mark", label=milestone.name, detail=detail)


def _plan(facts: RunFacts) -> Iterator[Span]:
    if facts.schedule is None:
        return
    origin = _plan_origin(facts)
    for planned in facts.schedule.faults:
        begin = origin + planned.at_seconds
        trigger = f", at {planned.trigger}" if planned.trigger else ""
        yield Span(
            begin=begin,
            end=begin + planned.seconds,
            look="plan",
            label=planned.fault,
            detail=f"planned: {planned.fault} for {planned.seconds:g} s{trigger}",
        )


def _plan_origin(facts: RunFacts) -> float:
    """Find the phase that the schedule counts from: its first fault is nearest to its time."""
    begins = [begin for _, begin, _ in facts.phases] or [0.0]
    windows = facts.history.fault_windows
    if facts.schedule is None or not facts.schedule.faults or not windows:
        return begins[0]
    first = windows[min(windows)]
    planned = facts.schedule.faults[min(first.index, len(facts.schedule.faults) - 1)].at_seconds
    injected = facts.seconds(first.event_ns or first.injected_ns)
    return min(begins, key=lambda begin: abs(begin + planned - injected))


def _faults(facts: RunFacts) -> Iterator[Span]:
    for window in facts.history.fault_windows.values():
        yield from _fault(facts, window)


def _fault(facts: RunFacts, window: FaultWindow) -> Iterator[Span]:
    """Yield the fault from its injection until it was seen to be healed."""
    if not window.injected_ns:
        return
    begin = facts.seconds(window.injected_ns)
    end = facts.seconds(window.heal_observed_ns) if window.was_healed else facts.end_seconds
    seen = (
        f"seen after {(window.effect_observed_ns - window.injected_ns) / 1e9:.3f} s: "
        f"{window.effect_evidence}"
        if window.took_effect
        else f"not seen to take effect: {window.effect_evidence}"
    )
    healed = f"healed: {window.heal_evidence}" if window.was_healed else "not seen to heal"
    look = "fault" if window.took_effect else "doubt"
    early = f"; ended early: {window.ended_early}" if window.ended_early else ""
    detail = f"{window.fault}: {seen}; {healed}{early}"
    effect_ns, healed_ns = window.effect_observed_ns, window.healed_ns
    sure = (facts.seconds(effect_ns), facts.seconds(healed_ns)) if effect_ns and healed_ns else None
    yield Span(begin=begin, end=end, look=look, label=window.fault, detail=detail, sure=sure)


def _beliefs(facts: RunFacts, changes: Sequence[Belief]) -> Iterator[Span]:
    ends = [*(facts.seconds(change.at_ns) for change in changes[1:]), facts.end_seconds]
    for change, end in zip(changes, ends, strict=True):
        begin = max(0.0, facts.seconds(change.at_ns))
        if end > begin:
            yield Span(
                begin=begin,
                end=end,
                look=_LOOKS.get(change.state, "doubt"),
                label=change.state,
                detail=f"{change.state}: {change.cause}".rstrip(": "),
            )


def _gaps(facts: RunFacts, detected: Sequence[Detection]) -> Iterator[Span]:
    for each in detected:
        took = (each.end_ns - each.injected_ns) / 1e9
        noticed = each.noticed_ns is not None
        what = f"noticed after {took:.2f} s" if noticed else f"not noticed in {took:.2f} s"
        yield Span(
            begin=facts.seconds(each.injected_ns),
            end=facts.seconds(each.end_ns),
            look="gap",
            label=f"{took:.2f} s" if noticed else "not noticed",
            detail=f"{each.fault}: {what}",
        )


def _server(facts: RunFacts, server: str) -> Iterator[Span]:
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
    """Yield the stretches in which the process was measured again and again."""
    moments = [cost.at_ns for cost in facts.costs if cost.server == server]
    if not moments:
        return
    begin_ns = moments[0]
    for earlier_ns, later_ns in pairwise([*moments, moments[-1] + 2 * _SAMPLE_GAP_NS]):
        if later_ns - earlier_ns > _SAMPLE_GAP_NS:
            yield Span(
                begin=max(0.0, facts.seconds(begin_ns)),
                end=facts.seconds(earlier_ns),
                look="runs",
                label="",
                detail=f"{server} runs",
            )
            begin_ns = later_ns

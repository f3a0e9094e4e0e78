"""Owns the swim lanes of a run: what was planned, seen and believed, each on the one time axis."""

from collections.abc import Iterator, Sequence

from harness.model.fault_window import FaultWindow
from harness.model.history import PHASE_STARTED
from harness.report.html.beliefs import SILENT, Belief, Detection
from harness.report.html.facts import RunFacts
from harness.report.html.server_lanes import server_names, server_spans
from harness.report.html.spans import Lane, Span, laid_out

_LOOKS = {
    "UP": "good",
    "healthy": "good",
    "SUSPECT": "doubt",
    "CATCHING_UP": "doubt",
    "DOWN": "bad",
    "NEEDS_REBUILD": "bad",
    "MISMATCHED": "bad",
    "unhealthy": "bad",
    SILENT: "none",
}


def lanes(
    facts: RunFacts, believed: dict[str, list[Belief]], detected: Sequence[Detection]
) -> tuple[Lane, ...]:
    """Give all lanes, from the plan to the servers."""
    found = [
        laid_out("Phases", "what the run did when", _phases(facts)),
        laid_out("Planned faults", "the schedule", _plan(facts)),
        laid_out("Observed faults", "dark while seen to be in force", _faults(facts)),
    ]
    for name, changes in believed.items():
        about = "what the load balancer believed of it"
        found.append(laid_out(f"lb says: {name}", about, _beliefs(facts, changes)))
    if detected:
        about = "from each fault of an instance until the load balancer knew"
        found.append(laid_out("Detection gap", about, _gaps(facts, detected)))
    for server in server_names(facts):
        about = "when its process ran, and what befell it"
        found.append(laid_out(server, about, server_spans(facts, server)))
    return tuple(found)


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

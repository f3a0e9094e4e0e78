"""The scenario of the time between a failure and its detection, once for each kind of failure."""

from collections.abc import Iterator

from harness.faults.base import Fault
from harness.faults.black_hole import BlackHole
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.runner.scenario import Disruption, Phase, Scenario, throughout

KINDS = ("killed", "hung", "black-hole", "reset", "slow", "flapping")
"""The phases in which the primary fails."""

# Longer than it takes to find a failure out: a probe each second, that waits for a second.
_FAILING_SECONDS = 3.0
_WELL_SECONDS = 1.5
_LASTING: dict[str, Fault] = {
    "killed": Kill("primary"),
    "hung": Pause("primary"),
    "black-hole": BlackHole("primary"),
    "reset": Reset("primary"),
    "slow": Latency("primary", 2000),
}
_FLAPS = tuple(Disruption(Kill("primary"), at_seconds, 0.5) for at_seconds in (0.0, 1.5, 3.0))


def _phases() -> Iterator[Phase]:
    yield Phase("baseline", 2.0)
    for kind in KINDS:
        if kind in _LASTING:
            yield throughout(kind, _FAILING_SECONDS, _LASTING[kind])
        else:
            yield Phase(kind, 4.0, _FLAPS)
        # What one failure left to do is not to be laid at the next one's door.
        yield Phase(f"after {kind}", _WELL_SECONDS, until_converged=True)


TIMING_GAP = Scenario(
    name="timing-gap",
    use_case="Use case 5, the timing gap",
    promise=(
        "Between the primary failing and its failure being detected no operation fails and no "
        "client waits more than 1 s: killed, hung, in a black hole, reset, slow, and flapping."
    ),
    phases=tuple(_phases()),
)

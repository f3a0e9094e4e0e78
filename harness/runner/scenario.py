"""Owns the registry of scenarios: what each proves, its phases, faults and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.faults.base import Fault
from harness.faults.kill import Kill
from harness.model.history import Limits


@dataclass(frozen=True)
class Phase:
    """A stretch of the run; its fault is injected when it begins and healed when it ends."""

    name: str
    seconds: float
    fault: Fault | None = None


@dataclass(frozen=True)
class Scenario:
    """A promise, and what is done to refute it; clients work through all phases."""

    name: str
    use_case: str
    promise: str
    phases: tuple[Phase, ...]
    limits: Limits = field(default_factory=Limits)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in the order in which they are injected."""
        return tuple(phase.fault for phase in self.phases if phase.fault)


_NORMAL = Scenario(
    name="normal",
    use_case="Use case 1, normal operation",
    promise=(
        "With all parts well, no operation fails, every write and every delete reaches both "
        "instances, and they hold identical data within 5 s of the last write."
    ),
    phases=(Phase("normal", 10.0),),
)

_PRIMARY_DOWN = Scenario(
    name="primary-down",
    use_case="Use case 2, primary down",
    promise=(
        "While the primary is killed and comes back, no operation fails and no client waits more "
        "than 1 s; nothing acknowledged is lost, nothing deleted returns, and both instances hold "
        "identical data within 5 s of the primary being healthy again."
    ),
    phases=(
        Phase("baseline", 5.0),
        Phase("primary-down", 10.0, Kill("primary")),
        Phase("recovery", 5.0),
    ),
)

SCENARIOS: Mapping[str, Scenario] = {s.name: s for s in (_NORMAL, _PRIMARY_DOWN)}


def scenario_named(name: str) -> Scenario:
    """Find a scenario; raises `UsageError` that names the valid ones."""
    try:
        return SCENARIOS[name]
    except KeyError:
        raise UsageError(
            f"there is no scenario {name!r}; the scenarios are {', '.join(SCENARIOS)}"
        ) from None

"""The scenarios in which one instance fails, in each of the ways in which one can."""

from harness.faults.base import Fault
from harness.faults.black_hole import BlackHole
from harness.faults.cpu import CpuLimit
from harness.faults.disconnect import Disconnect
from harness.faults.drop_answer import DropAnswers
from harness.faults.force_down import ForceDown
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.pause import Pause
from harness.faults.reset import Reset
from harness.http_proxy.rules import What
from harness.labs.base import Capability, Need
from harness.runner.scenario import Disruption, Phase, Scenario, throughout

_PRIMARY_DOWN = "Use case 2, primary down"
_REPLICA_DOWN = "Use case 3, replica down"
# Tests count at the HTTP proxy how many reads each instance gets.
_COUNTED = frozenset(Need(Capability.INTERCEPT, name) for name in ("primary", "replica"))

PRIMARY_DOWN = Scenario(
    name="primary-down",
    use_case=_PRIMARY_DOWN,
    promise=(
        "While the primary is killed and comes back, no operation fails and no client waits more "
        "than 1 s; nothing acknowledged is lost, nothing deleted returns, and both instances hold "
        "identical data within 5 s of the primary being healthy again."
    ),
    phases=(
        Phase("baseline", 5.0),
        throughout("primary-down", 10.0, Kill("primary")),
        Phase("recovery", 5.0),
    ),
)

PRIMARY_FORCED_DOWN = Scenario(
    name="primary-forced-down",
    use_case="Use case 2, primary down by an administrator's word",
    promise=(
        "While the load balancer is told that the primary is unhealthy, no operation fails and no "
        "client waits more than 1 s; nothing acknowledged is lost, nothing deleted returns, and "
        "both instances hold identical data within 5 s of the word being taken back."
    ),
    phases=(
        Phase("baseline", 3.0),
        # Long enough for `/status` to have to show it.
        throughout("forced-down", 8.0, ForceDown("primary")),
        Phase("recovery", 4.0),
    ),
)


def _primary(name: str, what: str, *disruptions: Disruption) -> Scenario:
    """Make one of the other ways in which the primary fails, shorter."""
    ends_seconds = max(each.at_seconds + each.seconds for each in disruptions)
    return Scenario(
        name=name,
        use_case=_PRIMARY_DOWN,
        promise=(
            f"While the primary {what}, no operation fails and no client waits more than 1 s; "
            "nothing acknowledged is lost, nothing deleted returns, and both instances hold "
            "identical data within 5 s of the primary being well again."
        ),
        phases=(
            Phase("baseline", 2.0),
            Phase(name, ends_seconds, disruptions),
            Phase("recovery", 3.0),
        ),
    )


def _for_five_seconds(fault: Fault) -> Disruption:
    return Disruption(fault, 0.0, 5.0)


PRIMARY_PAUSED = _primary(
    "primary-paused",
    "hangs: it accepts connections and never answers",
    _for_five_seconds(Pause("primary")),
)
PRIMARY_BLACK_HOLE = _primary(
    "primary-black-hole",
    "is behind a network that swallows all that is sent",
    _for_five_seconds(BlackHole("primary")),
)
PRIMARY_RESET = _primary(
    "primary-reset",
    "is behind a network that resets connections, also after a request was carried out",
    Disruption(DropAnswers("primary", 4, What.READS), 0.0, 1.5),
    Disruption(DropAnswers("primary", 4, What.WRITES), 1.5, 1.5),
    Disruption(Reset("primary"), 3.0, 3.0),
)
PRIMARY_SLOW = _primary(
    "primary-slow",
    "answers 2 s late",
    _for_five_seconds(Latency("primary", 2000)),
)
PRIMARY_BUSY = _primary(
    "primary-busy",
    "gets a fifth of a processor",
    _for_five_seconds(CpuLimit("primary", 20)),
)
PRIMARY_DISCONNECTED = _primary(
    "primary-disconnected",
    "is taken off its network, and nobody is told",
    _for_five_seconds(Disconnect("primary")),
)
PRIMARY_FLAPPING = _primary(
    "primary-flapping",
    "is killed and comes back, again and again",
    *(Disruption(Kill("primary"), at_seconds, 1.5) for at_seconds in (0.0, 3.0, 6.0)),
)


def _replica(name: str, what: str, fault: Fault) -> Scenario:
    return Scenario(
        name=name,
        use_case=_REPLICA_DOWN,
        promise=(
            f"While the replica {what}, reads go to the primary, writes and deletes go on, no "
            "operation fails and no client waits more than 1 s; the replica then catches up "
            "within 5 s, and reads are spread over both again."
        ),
        phases=(
            Phase("baseline", 3.0),
            throughout(name, 6.0, fault),
            Phase("recovery", 4.0),
        ),
        other_needs=_COUNTED,
    )


REPLICA_DOWN = _replica("replica-down", "is killed and comes back", Kill("replica"))
REPLICA_BLACK_HOLE = _replica(
    "replica-black-hole",
    "is behind a network that swallows all that is sent",
    BlackHole("replica"),
)

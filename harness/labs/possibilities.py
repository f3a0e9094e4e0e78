"""What a lab of ours can do to whom, here and now: pure but for a look at the machine."""

from collections.abc import Callable, Collection

from harness.errors import PartMissingError
from harness.labs.base import Capability, Need
from harness.labs.cpu import why_no_cpu_limits
from harness.labs.disks import why_no_disks
from harness.labs.memory import why_no_memory_limits
from harness.parts.faketime import find_faketime

LACKING = frozenset({Capability.DISCONNECT})
"""What no lab of processes can do, on whatever machine."""
_OF_LB = frozenset({Capability.DOUBLE_LB, Capability.FAILPOINT})
_OF_DISKS = frozenset({Capability.FILL_DISK, Capability.FREEZE_DISK})
# What servers must have been started for.
_PREPARED = _OF_DISKS | {
    Capability.DOUBLE_LB,
    Capability.SHIFT_CLOCK,
    Capability.FORCE_HEALTH,
    Capability.DISCONNECT,
}
_PROXIES = frozenset({"toxiproxy", "http-proxy"})


def why_not(
    need: Need,
    prepared: Collection[Need],
    instances: Collection[str],
    has_failpoints: bool,
    why_not_of_kind: Callable[[Capability], str] | None = None,
) -> str:
    """Say why the lab cannot do it; nothing when it can.

    `why_not_of_kind` says what no lab of its kind can do here: by default none of processes.
    """
    of_kind = why_not_of_kind or why_not_here
    if reason := _why_not_to(need, instances, has_failpoints) or of_kind(need.capability):
        return reason
    if need.capability in _PREPARED and not is_prepared(need, prepared):
        return (
            f"this lab was not started for {need.capability} of {need.target}; "
            "say before its start what it will be asked for"
        )
    return ""


def why_not_here(capability: Capability) -> str:
    """Say why no process lab can do it on this machine; nothing when one can."""
    if capability in _OF_DISKS:
        return why_no_disks()
    if capability is Capability.DISCONNECT:
        return "processes of this machine share its network; a lab of containers has links"
    if capability is Capability.LIMIT_MEMORY:
        return why_no_memory_limits()
    if capability is Capability.LIMIT_CPU:
        return why_no_cpu_limits()
    if capability is Capability.SHIFT_CLOCK:
        try:
            find_faketime()
        except PartMissingError as error:
            return str(error)
    return ""


def is_prepared(need: Need, prepared: Collection[Need]) -> bool:
    """Tell whether the servers were started for it; one disk serves all that is done to disks."""
    kinds = _OF_DISKS if need.capability in _OF_DISKS else {need.capability}
    return any(Need(kind, need.target) in prepared for kind in kinds)


def _why_not_to(need: Need, instances: Collection[str], has_failpoints: bool) -> str:
    if need.capability in _OF_LB and need.target != "lb":
        return f"only the load balancer has {need.capability}"
    if need.capability is Capability.FAILPOINT and not has_failpoints:
        return "only our own load balancer has failpoints, not another one"
    if need.capability in _OF_DISKS and need.target not in instances:
        return f"only Chroma servers can have a disk of their own: {', '.join(instances)}"
    if need.capability is Capability.LIMIT_MEMORY and need.target not in instances:
        return f"only Chroma servers are seen to lack memory: {', '.join(instances)}"
    if need.capability is Capability.FORCE_HEALTH and need.target not in instances:
        return f"only Chroma servers are forced out of service: {', '.join(instances)}"
    if need.capability is Capability.DISCONNECT and need.target not in (*instances, "postgres"):
        return f"only {', '.join(instances)} and postgres have a link of their own to Toxiproxy"
    if need.capability is Capability.LIMIT_CPU and need.target in _PROXIES:
        return f"{need.target} is the lab's own: slow down what is behind it"
    if need.capability is Capability.SHIFT_CLOCK and need.target == "toxiproxy":
        return "toxiproxy tells nobody its time"
    return ""

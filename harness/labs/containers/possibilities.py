"""What a lab of containers cannot do, whoever the target is."""

from harness.labs.base import Capability
from harness.labs.disks import why_no_disks

LACKING = frozenset({Capability.SHIFT_CLOCK})
_OF_DISKS = frozenset({Capability.FILL_DISK, Capability.FREEZE_DISK})


def why_not_in_containers(capability: Capability) -> str:
    """Say why no lab of containers can do it here; nothing when one can."""
    if capability is Capability.SHIFT_CLOCK:
        return "a container has the clock of its machine; a lab of processes shifts that of one"
    return why_no_disks() if capability in _OF_DISKS else ""

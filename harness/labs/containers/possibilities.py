"""What a lab of containers cannot do, whoever the target is."""

from harness.labs.base import Capability

_REASONS = {
    Capability.SHIFT_CLOCK: "a container has the clock of its machine; --lab processes shifts one",
    Capability.FILL_DISK: "containers share the engine's disk; --lab processes gives one to each",
    Capability.FREEZE_DISK: "containers share the engine's disk; --lab processes gives one to each",
}
LACKING = frozenset(_REASONS)


def why_not_in_containers(capability: Capability) -> str:
    """Say why; nothing when it can be done."""
    return _REASONS.get(capability, "")

"""What every fault offers; refuses a fault that the lab cannot do."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from harness.errors import UnsupportedFaultError
from harness.labs.abilities import Particular
from harness.labs.base import Capability, Interceptable, Lab, Need, Networked


class Fault(Protocol):
    """One disruption of one target.

    `inject` and `heal` act; the two proofs return evidence in words, or raise `FaultError` when
    they did not see what they must within their time. `heal` may be called without `inject`, and
    again.
    """

    @property
    def name(self) -> str:
        """What it does to whom, such as `kill primary`."""
        ...

    @property
    def target(self) -> str:
        """The server of the lab that it disrupts."""
        ...

    @property
    def needs(self) -> frozenset[Capability]:
        """What the lab must be able to do."""
        ...

    async def inject(self, lab: Lab) -> None:
        """Disrupt the target."""
        ...

    async def prove_effect(self, lab: Lab) -> str:
        """See the target fail."""
        ...

    async def heal(self, lab: Lab) -> None:
        """Undo the disruption."""
        ...

    async def prove_healed(self, lab: Lab) -> str:
        """See the target work again."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """A fault that is up from its injection to its healing, and not only at one moment."""

    async def prove_lasting(self, lab: Lab) -> str:
        """See, right before the healing, that it is still up; raises `FaultError`."""
        ...


def needs_of(faults: Iterable[Fault]) -> frozenset[Need]:
    """Collect what the faults will ask of a lab, so that it can be started for it."""
    return frozenset(Need(need, fault.target) for fault in faults for need in fault.needs)


def refuse_unsupported(fault: Fault, lab: Lab) -> None:
    """Raise `UnsupportedFaultError` when the lab cannot do the fault, before anything is broken."""
    missing = sorted(fault.needs - lab.capabilities)
    if missing:
        if isinstance(lab, Particular) and (reason := lab.why_not(Need(missing[0], fault.target))):
            raise UnsupportedFaultError(f"{fault.name}: {reason}")
        has = ", ".join(sorted(lab.capabilities)) or "nothing"
        raise UnsupportedFaultError(
            f"{fault.name} needs {', '.join(missing)}, which lab {lab.name} cannot do (it can: "
            f"{has}): choose another lab or scenario"
        )
    if fault.target not in lab.targets:
        raise UnsupportedFaultError(
            f"{fault.name}: lab {lab.name} has no {fault.target}; it has {', '.join(lab.targets)}"
        )
    if isinstance(lab, Particular):
        for need in needs_of([fault]):
            if reason := lab.why_not(need):
                raise UnsupportedFaultError(f"{fault.name}: {reason}")
    of_network = fault.needs & {Capability.CUT, Capability.DEGRADE}
    if of_network and isinstance(lab, Networked) and fault.target not in lab.proxied_urls():
        raise UnsupportedFaultError(
            f"{fault.name}: lab {lab.name} has no proxy before {fault.target}; there is one before "
            f"{', '.join(lab.proxied_urls())}"
        )
    if Capability.INTERCEPT in fault.needs and isinstance(lab, Interceptable):
        intercepted = lab.interceptor().targets
        if fault.target not in intercepted:
            raise UnsupportedFaultError(
                f"{fault.name}: lab {lab.name} has no HTTP proxy before {fault.target}; there is "
                f"one before {', '.join(intercepted)}"
            )

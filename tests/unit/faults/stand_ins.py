"""A lab of plain variables, and a fault that notes what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import FaultError
from harness.labs.base import Capability, Instance, Lab, ServerSample


@dataclass
class StandInLab:
    """A lab with one instance, whose servers are names in a set."""

    capabilities: frozenset[Capability] = frozenset(Capability)
    instances: tuple[Instance, ...] = ()
    name: str = "stand-in"
    run_directory: Path = Path()
    lb_url: str = ""
    targets: tuple[str, ...] = ("primary",)
    versions: Mapping[str, str] = field(default_factory=dict)
    alive: set[str] = field(default_factory=lambda: {"primary"})

    async def start(self) -> None:
        self.alive = set(self.targets)

    async def stop(self) -> None:
        self.alive = set()

    def urls(self) -> Mapping[str, str]:
        return {instance.name: instance.url for instance in self.instances}

    def log_path(self, target: str) -> Path:
        return self.run_directory / target

    def samples(self) -> tuple[ServerSample, ...]:
        return ()

    def is_alive(self, target: str) -> bool:
        return target in self.alive

    async def kill(self, target: str) -> None:
        self.alive.discard(target)

    async def restart(self, target: str) -> None:
        self.alive.add(target)


@dataclass
class StandInFault:
    """A fault whose steps are noted in `steps`; the proofs named in `unproven` fail."""

    unproven: frozenset[str] = frozenset()
    steps: list[str] = field(default_factory=list)
    name: str = "stand-in fault"
    target: str = "primary"
    needs: frozenset[Capability] = frozenset({Capability.KILL})

    async def inject(self, lab: Lab) -> None:
        self.steps.append("inject")

    async def prove_effect(self, lab: Lab) -> str:
        return self._prove("effect")

    async def heal(self, lab: Lab) -> None:
        self.steps.append("heal")

    async def prove_healed(self, lab: Lab) -> str:
        return self._prove("healed")

    def _prove(self, proof: str) -> str:
        self.steps.append(proof)
        if proof in self.unproven:
            raise FaultError(f"{proof} was not seen")
        return f"{proof} was seen"

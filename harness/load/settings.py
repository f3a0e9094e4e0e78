"""Owns what a load is: who does what, how many of them, for how long, at which pace."""

from dataclasses import dataclass, field

from harness.load.shapes import Level, levels_of


@dataclass(frozen=True)
class Upload:
    """What one user uploads: a collection of its own, filled by so many adds of so many chunks."""

    documents: int = 50
    documents_per_request: int = 10


@dataclass(frozen=True)
class LoadSettings:
    """Users of one kind of traffic; `rate_per_user` 0 is as soon as they were answered."""

    traffic: str = "cms"
    shape: str = "flat"
    users: int = 20
    seconds: float = 30.0
    rate_per_user: float = 1.0
    upload: Upload = field(default_factory=Upload)

    @property
    def levels(self) -> tuple[Level, ...]:
        """How users come and go."""
        return levels_of(self.shape, self.users, self.seconds)

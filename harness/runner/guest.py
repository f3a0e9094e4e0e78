"""Owns how a run behaves in its lab: what its collections are called, and what it leaves alone.

In a lab of our own the names follow from the seed. A system that others use is told apart by
`Shared`: there names are unique, and what the load balancer says of all that is pending is not only
about us.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.client.guard import PROTECTED, Guard
from harness.client.lb_figures import pending_entries
from harness.labs.abilities import Shared
from harness.labs.base import Lab


@dataclass(frozen=True)
class Guest:
    """A run as the owner of its lab sees it; `headers` go along with requests to the lb."""

    prefix: str
    lb_url: str
    is_shared: bool = False
    protected: frozenset[str] = PROTECTED
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def guard(self) -> Guard:
        """What it may write to."""
        return Guard((self.prefix,), self.protected)

    async def pending(self) -> int | None:
        """Ask for the entries that are pending, where all of them are of this run."""
        return None if self.is_shared else await pending_entries(self.lb_url)


def guest_of(lab: Lab, seed: int) -> Guest:
    """Tell how a run with this seed behaves in a lab that is up."""
    prefix = f"AUTOTEST_{seed}_"
    if isinstance(lab, Shared):
        return Guest(f"{prefix}{lab.mark}_", lab.lb_url, True, lab.protected, lab.lb_headers)
    return Guest(prefix, lab.lb_url)

"""What every trigger offers; refuses one that the lab, or the system in it, has no event for."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from harness.labs.base import Lab, Need


@dataclass(frozen=True)
class Sighting:
    """An event: its moment by the monotonic clock, and what it was."""

    at_ns: int
    what: str


class Trigger(Protocol):
    """One sort of event."""

    @property
    def name(self) -> str:
        """Its words, such as `request-arrived primary add`."""
        ...

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of the lab, and of which server."""
        ...

    async def refuse_unsupported(self, lab: Lab) -> None:
        """Raise `UnsupportedFaultError` when the event can never be seen there."""
        ...

    def event(self, lab: Lab) -> AbstractAsyncContextManager[Sighting]:
        """Await the next event; where it can be stopped, it goes on when the context is left."""
        ...

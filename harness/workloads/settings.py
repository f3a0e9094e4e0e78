"""Owns how much the clients of a run do, how big it is, and how they name collections."""

from dataclasses import dataclass
from enum import StrEnum


class Loop(StrEnum):
    """When a client begins its next operation."""

    OPEN = "open"
    """At its intended start, whatever the answers: users that come by themselves."""
    CLOSED = "closed"
    """When the last one was answered, after a time to think: users that wait."""


class Addressing(StrEnum):
    """How clients name collections in paths; plain Chroma takes only ids."""

    ID = "id"
    NAME = "name"
    INSTANCE = "instance"
    MIXED = "mixed"


@dataclass(frozen=True)
class WorkloadSettings:
    """What clients do: `operations_per_second` is the sum over all clients, in the open loop.

    The default is the volume that use-cases plan for: about 1,000,000 operations a day. `skew` is
    the exponent of Zipf's law over documents and collections, `text_bytes` the least length of a
    document's text.
    """

    name: str = "cms"
    clients: int = 5
    collections: int = 3
    operations_per_second: float = 12.0
    loop: Loop = Loop.OPEN
    think_seconds: float = 0.0
    skew: float = 0.0
    text_bytes: int = 0
    dimensions: int = 64
    addressing: Addressing = Addressing.ID

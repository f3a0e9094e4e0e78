"""Where the load balancer differs from plain Chroma, on purpose: one row each, with the reason."""

import re
from dataclasses import dataclass
from typing import Any

from tests.properties.sides import Raised


@dataclass(frozen=True)
class Difference:
    """One accepted difference: which operations, and the type and message of each exception.

    Operations and messages are patterns that match in full.
    """

    operation: str
    ours: tuple[str, str]
    theirs: tuple[str, str]
    reason: str

    def covers(self, operation: str, ours: Any, theirs: Any) -> bool:
        return (
            re.fullmatch(self.operation, operation) is not None
            and _matches(ours, *self.ours)
            and _matches(theirs, *self.theirs)
        )


def _matches(raised: Any, type_name: str, message: str) -> bool:
    return (
        isinstance(raised, Raised)
        and raised.type == type_name
        and re.fullmatch(message, raised.message, re.DOTALL) is not None
    )


READS = ("get", "peek", "query")

ACCEPTED = (
    Difference(
        "modify",
        ("ChromaError", r"Collection \[[^]]*\] already exists"),
        ("InternalError", r".*UNIQUE constraint failed.*"),
        "A 500 says nothing about what happened: a rename onto a taken name would stay in the log "
        "for ever. It is the conflict that it is.",
    ),
    Difference(
        "get_collection|delete_collection",
        ("NotFoundError", r"no such path.*"),
        ("Exception", r" \(trace ID: 0*\)"),
        "A name with a slash makes a path that neither has. Chroma answers 404 without a body, "
        "which its own client cannot tell from a broken server; we say what is wrong.",
    ),
    Difference(
        "create_collection|modify",
        ("InvalidArgumentError", r"collection metadata \[.*\] must be a string, number or boolean"),
        ("RemoteProtocolError", r"Server disconnected without sending a response\."),
        "Chroma panics when it stores a list or a sparse vector as a collection's metadata. "
        "Logged, such a write would break every instance's connections for ever.",
    ),
    Difference(
        "modify",
        ("InvalidArgumentError", r"collection metadata \[.*\] must be a string, number or boolean"),
        ("InvalidArgumentError", r"Validation error: new_name: .*"),
        "The same, with a wrong new name as well: of the two faults we name the other one.",
    ),
)


UNREADABLE = ("InternalError", r".*Error creating hnsw segment reader: Nothing found on disk")
"""What Chroma may answer to reads of an empty collection after a refused write.

It comes if that very process was asked to read the collection before the write, so it says nothing
about what is stored: with reads spread over instances, either side may answer so.
"""


def is_accepted(operation: str, ours: Any, theirs: Any) -> bool:
    """Tell whether the table covers this difference."""
    is_unreadable = operation in READS and (
        (_matches(ours, *UNREADABLE) and is_empty(theirs))
        or (_matches(theirs, *UNREADABLE) and is_empty(ours))
    )
    return is_unreadable or any(row.covers(operation, ours, theirs) for row in ACCEPTED)


def is_empty(result: Any) -> bool:
    """Tell whether a read found nothing; a query's ids are one list for each of its vectors."""
    return isinstance(result, dict) and not any(result["ids"])

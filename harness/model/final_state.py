"""Owns what one instance held when the run was over. Does not read it from the instance."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.model.document import Scalar


class HeldDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One document as an instance returned it; the embedding by its digest."""

    text: str | None
    metadata: dict[str, Scalar | None] | None
    embedding_digest: str


class HeldCollection(msgspec.Struct, frozen=True):
    """One collection of one instance, under that instance's own UUID."""

    uuid: str
    documents: dict[str, HeldDocument]
    metadata: dict[str, Scalar | None] | None = None


class FinalState(msgspec.Struct, frozen=True):
    """Everything of the run's own collections that one instance held at rest, by name."""

    instance: str
    collections: dict[str, HeldCollection]


def write_final_states(path: Path, states: Iterable[FinalState]) -> None:
    """Write one JSON line for each instance."""
    path.write_bytes(b"".join(msgspec.json.encode(state) + b"\n" for state in states))


def read_final_states(path: Path) -> tuple[FinalState, ...]:
    """Read what `write_final_states` wrote; a run that ended early has no such file."""
    if not path.exists():
        return ()
    decoder = msgspec.json.Decoder(FinalState)
    return tuple(decoder.decode(line) for line in path.read_bytes().splitlines())

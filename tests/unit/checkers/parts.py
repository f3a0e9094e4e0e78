"""Makes what `histories` does not: marks, updates, and operations on the collection itself."""

from collections.abc import Iterable, Sequence

import msgspec

from harness.model.collection import metadata_token, name_token
from harness.model.document import make_mark, mark_metadata
from harness.model.final_state import FinalState, HeldDocument
from harness.model.operation import Addressing, Completion, Kind, Operation
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, ONE, held, operation

OK = Completion.OK
NAMED = name_token(COLLECTION, COLLECTION)


def mark(key: str, write: str) -> str:
    return make_mark(DOCUMENT, key, write)


ONES, TWOS, TWOS_NEXT = mark("one", "1"), mark("two", "1"), mark("two", "2")


def update(
    token: str, start: int, end: int, completion: Completion = OK, process: str = ONE
) -> Operation:
    """Update the content, or one mark, of the document."""
    return operation(
        Kind.UPDATE, start, end, completion, ids=[DOCUMENT], tokens=[token], process=process
    )


def get_parts(tokens: Iterable[str], start: int, end: int, process: str = ONE) -> Operation:
    return operation(Kind.GET, start, end, ids=[DOCUMENT], observed=tokens, process=process)


def get_all(tokens: Iterable[str], start: int, end: int) -> Operation:
    made = operation(Kind.GET, start, end, observed=tokens)
    return msgspec.structs.replace(made, addressing=Addressing.ALL)


def count(counted: int, start: int, end: int) -> Operation:
    return msgspec.structs.replace(operation(Kind.COUNT, start, end), counted=counted)


def about(write: str) -> str:
    """Name what the collection's metadata say."""
    return metadata_token(COLLECTION, write)


def create(start: int, end: int, completion: Completion = OK, write: str = "made") -> Operation:
    return operation(Kind.CREATE, start, end, completion, tokens=[about(write), NAMED])


def modify(write: str, start: int, end: int, completion: Completion = OK) -> Operation:
    return operation(Kind.MODIFY, start, end, completion, tokens=[about(write)])


def rename(name: str, start: int, end: int, completion: Completion = OK) -> Operation:
    token = name_token(COLLECTION, name)
    return operation(Kind.RENAME, start, end, completion, tokens=[token])


def drop(start: int, end: int, completion: Completion = OK) -> Operation:
    return operation(Kind.DROP, start, end, completion)


def listed(tokens: Sequence[str], start: int, end: int) -> Operation:
    return operation(Kind.LIST, start, end, observed=tokens)


def marked(token: str, *marks: str) -> HeldDocument:
    """The document with a content and marks, as an instance holds it."""
    document = held(token)
    metadata = dict(document.metadata or {})
    for each in marks:
        metadata |= mark_metadata(each)
    return msgspec.structs.replace(document, metadata=metadata)


def named(final: FinalState, name: str, write: str | None = None) -> FinalState:
    """Give the collection of a final state another name, and metadata."""
    (collection,) = final.collections.values()
    metadata = None if write is None else {"token": about(write)}
    return FinalState(
        final.instance, {name: msgspec.structs.replace(collection, metadata=metadata)}
    )

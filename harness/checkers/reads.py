"""Owns what clients read of each document: one read of many documents is one read of each of them.

What each sort of read says of a document (all over the interval of the whole request):

    get by ids     the token that was returned for the id; absent if none was
    get by file    the same, for every id that any write of the run gave to the file
    query          the token that was returned; nothing of documents that were not returned
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.checkers.registers import ABSENT, DocumentKey
from harness.model.document import file_of, id_of
from harness.model.operation import Addressing, Completion, Kind, Operation


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """One document as one successful read showed it: a token, or `ABSENT`."""

    value: str
    process: str
    operation: str
    invoked_ns: int
    completed_ns: int


def reads_by_document(
    operations: Iterable[Operation], written: Iterable[DocumentKey]
) -> dict[DocumentKey, tuple[DocumentRead, ...]]:
    """Collect the reads of every document in order of invocation.

    `written` names all documents that any write may have touched.
    """
    ids_of_file: dict[tuple[str, str], set[str]] = defaultdict(set)
    for collection, document_id in written:
        ids_of_file[collection, file_of(document_id)].add(document_id)
    reads: dict[DocumentKey, list[DocumentRead]] = defaultdict(list)
    for operation in sorted(operations, key=lambda operation: operation.invoked_ns):
        if operation.kind.is_write or operation.completion is not Completion.OK:
            continue
        for document_id, value in _values(operation, ids_of_file):
            reads[operation.collection, document_id].append(
                DocumentRead(
                    value=value,
                    process=operation.process,
                    operation=operation.name,
                    invoked_ns=operation.invoked_ns,
                    completed_ns=operation.completed_ns,
                )
            )
    return {key: tuple(found) for key, found in reads.items()}


def _values(
    operation: Operation, ids_of_file: dict[tuple[str, str], set[str]]
) -> Iterator[tuple[str, str]]:
    found = [(id_of(token), token) for token in operation.observed if token]
    yield from found
    # A document without a token has an unknown id: then no other is known to be absent.
    if operation.kind is Kind.QUERY or len(found) < len(operation.observed):
        return
    asked = set(operation.ids)
    if operation.addressing is Addressing.WHERE:
        asked = ids_of_file[operation.collection, operation.file]
    present = {document_id for document_id, _ in found}
    yield from ((document_id, ABSENT) for document_id in sorted(asked - present))

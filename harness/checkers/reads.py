"""Owns what clients read of each document: one read of many documents is one read of each of them.

What each sort of read says of a document (all over the interval of the whole request):

    get by ids     the token that was returned for the id; absent if none was
    get by file    the same, for every id that any write of the run gave to the file
    get of all     the same, for every id that any write of the run gave to the collection
    query          the token that was returned; nothing of documents that were not returned
    list           the tokens of each collection; absent for those that were not listed

A document that was returned says of each of its marks what it is, or that it is not set.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.checkers.documents import DocumentKey, Documents
from harness.checkers.registers import ABSENT
from harness.model.document import bare, document_id_of, id_of
from harness.model.operation import Completion, Kind, Operation


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """One register as one successful read showed it: a token, or `ABSENT`."""

    value: str
    process: str
    operation: str
    invoked_ns: int
    completed_ns: int


def reads_by_document(
    operations: Iterable[Operation], written: Iterable[DocumentKey]
) -> dict[DocumentKey, tuple[DocumentRead, ...]]:
    """Collect the reads of every register in order of invocation.

    `written` names all registers that any write may have touched.
    """
    documents = Documents(written)
    reads: dict[DocumentKey, list[DocumentRead]] = defaultdict(list)
    for operation in sorted(operations, key=lambda operation: operation.invoked_ns):
        if operation.kind.is_write or operation.completion is not Completion.OK:
            continue
        for key, value in _values(operation, documents):
            reads[key].append(
                DocumentRead(
                    value=value,
                    process=operation.process,
                    operation=operation.name,
                    invoked_ns=operation.invoked_ns,
                    completed_ns=operation.completed_ns,
                )
            )
    return {key: tuple(found) for key, found in reads.items()}


def _values(operation: Operation, documents: Documents) -> Iterator[tuple[DocumentKey, str]]:
    found = {_key(operation, token): token for token in operation.observed if token}
    yield from found.items()
    present = {(key[0], document_id_of(key[1])) for key in found}
    for document in present:
        for key in _registers(document, documents):
            if key not in found:
                yield key, bare(key[1])
    # A document without a token has an unknown id: then no other is known to be absent.
    if operation.kind in (Kind.QUERY, Kind.COUNT) or not all(operation.observed):
        return
    for document in sorted(_asked(operation, documents) - present):
        for key in _registers(document, documents):
            yield key, ABSENT


def _key(operation: Operation, token: str) -> DocumentKey:
    register = id_of(token)
    is_list = operation.kind is Kind.LIST
    return document_id_of(register) if is_list else operation.collection, register


def _asked(operation: Operation, documents: Documents) -> set[DocumentKey]:
    if operation.kind is Kind.LIST:
        return {(collection, collection) for collection in documents.collections}
    return {(operation.collection, asked) for asked in documents.asked(operation)}


def _registers(document: DocumentKey, documents: Documents) -> Iterator[DocumentKey]:
    """Name the document's registers, the content's among them even if nobody wrote it."""
    collection, document_id = document
    for register in sorted(documents.parts(collection, document_id) | {document_id}):
        yield collection, register

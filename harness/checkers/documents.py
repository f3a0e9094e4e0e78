"""Owns which documents and parts of documents a run knows of, and which an operation selects."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from harness.model.collection import is_collection
from harness.model.document import document_id_of, file_of
from harness.model.operation import Addressing, Invocation, Kind

# A collection by its label, and a register in it.
DocumentKey = tuple[str, str]


class Documents:
    """All registers of a run, by document, by file and by collection."""

    def __init__(self, keys: Iterable[DocumentKey]) -> None:
        self._parts: dict[DocumentKey, set[str]] = defaultdict(set)
        self._in_file: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._in_collection: dict[str, set[str]] = defaultdict(set)
        self.collections: set[str] = set()
        for collection, register in keys:
            document_id = document_id_of(register)
            self._parts[collection, document_id].add(register)
            if is_collection(collection, register):
                self.collections.add(collection)
                continue
            self._in_file[collection, file_of(document_id)].add(document_id)
            self._in_collection[collection].add(document_id)

    def parts(self, collection: str, document_id: str) -> set[str]:
        """Name the registers of one document."""
        return self._parts.get((collection, document_id), set())

    def asked(self, invocation: Invocation) -> Iterable[str]:
        """Name the documents that an invocation is about."""
        collection = invocation.collection
        if invocation.addressing is Addressing.WHERE:
            return self._in_file.get((collection, invocation.file), set())
        if invocation.addressing is Addressing.ALL:
            return self._in_collection.get(collection, set())
        return invocation.ids

    def selected(self, invocation: Invocation) -> Iterator[str]:
        """Name the registers that a delete or a drop empties."""
        asked = set(self.asked(invocation))
        if invocation.kind is Kind.DROP:
            asked = self._in_collection.get(invocation.collection, set()) | {invocation.collection}
        for document_id in asked:
            yield from self.parts(invocation.collection, document_id)

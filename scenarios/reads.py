"""Finds reads of the CMS that did not return what the client that owns the file had written."""

from harness.checkers.expectation import Expectation
from harness.model.document import file_of, id_of
from harness.model.history import History
from harness.model.operation import Addressing, Completion, Kind, Operation


def listings(history: History) -> list[Operation]:
    """All successful reads of one file."""
    return [
        operation
        for operation in history.operations
        if operation.kind is Kind.GET
        and operation.addressing is Addressing.WHERE
        and operation.completion is Completion.OK
    ]


def stale_listings(history: History) -> list[str]:
    """Name the listings that miss an own earlier write, or show what it deleted or replaced."""
    return [
        f"{listing.name} of {listing.file}: {wrong}"
        for listing in listings(history)
        if (wrong := _wrong_documents(history, listing))
    ]


def searches(history: History) -> list[Operation]:
    """All successful searches by the embedding of a document that its owner had written."""
    return [
        operation
        for operation in history.operations
        if operation.kind is Kind.QUERY and operation.completion is Completion.OK
    ]


def fruitless_searches(history: History) -> list[str]:
    """Name the searches that did not find the document whose own embedding they asked for."""
    return [s.name for s in searches(history) if not set(s.tokens) <= set(s.observed)]


def search_recall(history: History) -> float:
    """Tell how often a search found its document; the index is approximate, so it may miss some."""
    return 1 - len(fruitless_searches(history)) / len(searches(history))


def _wrong_documents(history: History, listing: Operation) -> list[str]:
    """Compare with what the owner, the only client to write the file, had done before."""
    before = [
        operation
        for operation in history.operations
        if operation.process == listing.process and operation.number < listing.number
    ]
    seen = {(listing.collection, id_of(token)): token for token in listing.observed}
    unmet = Expectation(before).unmet(seen, touched_files=set())
    return [document_id for _, document_id in unmet if file_of(document_id) == listing.file]

"""Judges that clients saw every document change in one order that time allows.

Each document is a register of its own; a request about many documents is one about each of them,
over the same interval. Writes that were refused did not happen; those in doubt never return.
"""

from collections.abc import Iterator, Sequence

from harness.checkers.documents import DocumentKey
from harness.checkers.linearizability.engine import NAME, check
from harness.checkers.linearizability.model import UNKNOWN, Call
from harness.checkers.models import ABSENT, Access, ChromaDocument, Request
from harness.checkers.reads import DocumentRead, reads_by_document
from harness.checkers.registers import Change, Effect, effects_by_document
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, unknown

_REQUESTS = {
    Change.SET: Request.UPSERT,
    Change.SET_IF_ABSENT: Request.ADD,
    Change.SET_IF_PRESENT: Request.UPDATE,
    Change.DELETE: Request.DELETE,
}


def check_documents(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Search for such an order for each document that was read; the first that has none ends it."""
    del finals
    effects = effects_by_document(history.operations)
    reads = reads_by_document(history.operations, effects)
    if not reads:
        return unknown(NAME, "no document was read")
    return check(
        ChromaDocument(),
        (call for key, found in reads.items() for call in _calls(key, effects.get(key, ()), found)),
        origin_ns=min(operation.invoked_ns for operation in history.operations),
    )


def _calls(
    key: DocumentKey, effects: Sequence[Effect], reads: Sequence[DocumentRead]
) -> Iterator[Call[Access, str]]:
    for effect in effects:
        access = Access(_REQUESTS[effect.change], key, effect.token)
        told = ABSENT if effect.definite else UNKNOWN
        end_ns = effect.completed_ns if effect.definite else None
        yield Call(effect.operation, access, told, effect.invoked_ns, end_ns)
    for read in reads:
        access = Access(Request.GET, key)
        yield Call(read.operation, access, read.value, read.invoked_ns, read.completed_ns)

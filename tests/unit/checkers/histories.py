"""Makes short histories: times are small numbers, documents are named by file, chunk and write."""

from collections.abc import Iterable

from harness.model.document import document_of, embedding_digest, id_of, make_token
from harness.model.fault_window import FaultWindow
from harness.model.final_state import FinalState, HeldCollection, HeldDocument
from harness.model.history import Header, History, Limits, Milestone
from harness.model.operation import Addressing, Completion, Kind, Operation

COLLECTION = "AUTOTEST_files"
SEED = 1
DIMENSIONS = 4
SECOND = 1_000_000_000
ONE = "client-1"

OLD, NEW, NEWEST = (make_token("f", 0, write) for write in ("old", "new", "newest"))
DOCUMENT = id_of(OLD)


def history(
    *records: Operation | FaultWindow | Milestone,
    faults: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> History:
    header = Header(
        scenario="test",
        seed=SEED,
        dimensions=DIMENSIONS,
        prefix="AUTOTEST_",
        limits=limits or Limits(),
        faults=faults,
    )
    made = History(header)
    for record in records:
        made.append(record)
    return made


def operation(
    kind: Kind,
    start: int,
    end: int,
    completion: Completion = Completion.OK,
    *,
    tokens: Iterable[str] = (),
    ids: Iterable[str] = (),
    file: str = "",
    process: str = ONE,
    phase: str = "baseline",
    intended: int | None = None,
    observed: Iterable[str] = (),
) -> Operation:
    tokens = tuple(tokens)
    return Operation(
        kind=kind,
        addressing=Addressing.WHERE if file else Addressing.IDS,
        collection=COLLECTION,
        ids=tuple(ids) or tuple(id_of(token) for token in tokens),
        tokens=tokens,
        file=file,
        process=process,
        number=start,
        phase=phase,
        completion=completion,
        intended_ns=start if intended is None else intended,
        invoked_ns=start,
        completed_ns=end,
        observed=tuple(observed),
    )


def created() -> Operation:
    return operation(Kind.CREATE, 0, 1, process="setup")


def add(
    token: str, start: int, end: int, completion: Completion = Completion.OK, process: str = ONE
) -> Operation:
    return operation(Kind.ADD, start, end, completion, tokens=[token], process=process)


def upsert(
    token: str, start: int, end: int, completion: Completion = Completion.OK, process: str = ONE
) -> Operation:
    return operation(Kind.UPSERT, start, end, completion, tokens=[token], process=process)


def delete(
    start: int, end: int, completion: Completion = Completion.OK, process: str = ONE
) -> Operation:
    return operation(Kind.DELETE, start, end, completion, ids=[DOCUMENT], process=process)


def delete_file(start: int, end: int, completion: Completion = Completion.OK) -> Operation:
    return operation(Kind.DELETE, start, end, completion, file="f")


def get(
    token: str, start: int, end: int, completion: Completion = Completion.OK, process: str = ONE
) -> Operation:
    """Read the document by id: the token that was there, or an empty one for nothing."""
    observed = [token] if token else []
    return operation(
        Kind.GET, start, end, completion, ids=[DOCUMENT], process=process, observed=observed
    )


def get_file(tokens: Iterable[str], start: int, end: int) -> Operation:
    return operation(Kind.GET, start, end, file="f", observed=tokens)


def query(tokens: Iterable[str], start: int, end: int) -> Operation:
    return operation(Kind.QUERY, start, end, tokens=[OLD], observed=tokens)


def held(token: str) -> HeldDocument:
    document = document_of(token, SEED, DIMENSIONS)
    return HeldDocument(
        document.text, dict(document.metadata), embedding_digest(document.embedding)
    )


def final(
    *tokens: str, instance: str = "primary", documents: dict[str, HeldDocument] | None = None
) -> FinalState:
    found = documents or {id_of(token): held(token) for token in tokens}
    return FinalState(instance, {COLLECTION: HeldCollection(f"uuid-{instance}", found)})

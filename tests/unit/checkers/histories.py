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
    process: str = "client-1",
    phase: str = "baseline",
    intended: int | None = None,
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
    )


def created() -> Operation:
    return operation(Kind.CREATE, 0, 1, process="setup")


def add(token: str, start: int, end: int, completion: Completion = Completion.OK) -> Operation:
    return operation(Kind.ADD, start, end, completion, tokens=[token])


def upsert(token: str, start: int, end: int, completion: Completion = Completion.OK) -> Operation:
    return operation(Kind.UPSERT, start, end, completion, tokens=[token])


def delete(start: int, end: int, completion: Completion = Completion.OK) -> Operation:
    return operation(Kind.DELETE, start, end, completion, ids=[DOCUMENT])


def delete_file(start: int, end: int, completion: Completion = Completion.OK) -> Operation:
    return operation(Kind.DELETE, start, end, completion, file="f")


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

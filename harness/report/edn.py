"""Owns a history in EDN, as Jepsen's checkers read it: a map a line, invocations and completions.

Every document is a register of its own: the value is `["collection/id" token]`, which Jepsen's
`independent` takes apart. https://jepsen-io.github.io/jepsen/jepsen.history.html
"""

from collections.abc import Iterator

from harness.model.document import id_of, is_mark
from harness.model.history import History
from harness.model.operation import Completion, Kind, Operation

_FUNCTIONS = {
    Kind.ADD: "add",
    Kind.UPSERT: "write",
    Kind.UPDATE: "update",
    Kind.DELETE: "delete",
    Kind.GET: "read",
}


def edn_lines(history: History) -> Iterator[str]:
    """Yield the history's lines in the order of time.

    An operation on several documents is one for each, of logical processes of their own, because
    a Jepsen process does one thing at a time. What is about collections, searches, marks and what
    is selected by metadata have no register and are left out. After an `info` its process is never
    used again.
    """
    events: list[tuple[int, int, int, str]] = []
    process = 0
    for operation in sorted(history.operations, key=lambda each: each.invoked_ns):
        if operation.kind not in _FUNCTIONS or any(map(is_mark, operation.tokens)):
            continue
        for key, before, after in _registers(operation):
            process += 1
            head = f":process {process}, :f :{_FUNCTIONS[operation.kind]}"
            kind = f":{operation.completion}"
            begin = f'{head}, :value ["{key}" {before}], :time {operation.invoked_ns}'
            end = f'{head}, :value ["{key}" {after}], :time {operation.completed_ns}'
            events.append((operation.invoked_ns, 0, process, f":type :invoke, {begin}"))
            events.append((operation.completed_ns, 1, process, f":type {kind}, {end}"))
    for index, (_, _, _, text) in enumerate(sorted(events)):
        yield f"{{:index {index}, {text}}}"


def _registers(operation: Operation) -> Iterator[tuple[str, str, str]]:
    """Yield key, value at the invocation and value at the completion of each document."""
    written = dict(zip(operation.ids, operation.tokens, strict=False))
    observed = {id_of(token): token for token in operation.observed}
    for document_id in operation.ids:
        key = f"{operation.collection}/{document_id}"
        if operation.kind is Kind.GET:
            is_known = operation.completion is Completion.OK
            yield key, "nil", _edn(observed.get(document_id)) if is_known else "nil"
        else:
            value = _edn(written.get(document_id))
            yield key, value, value


def _edn(token: str | None) -> str:
    return "nil" if token is None else f'"{token}"'

"""Judges that the load balancer knows every collection by the UUID that each instance gave it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from harness.checkers.answers import describe, endpoint
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "mappings"
PATH = "/collection/mappings"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare the answer at rest with the collections that the instances have."""
    asked = endpoint(history, PATH, "mappings")
    if not asked.is_offered:
        return asked.refusal(NAME)
    if not finals:
        return unknown(NAME, "there are no final reads")
    word = asked.words[-1]
    rows = word.content["mappings"]
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        return decide(NAME, 1, [Violation(f"{PATH} makes no sense", (describe(word.answer),))])
    prefix = history.header.prefix
    own = [row for row in rows if row["name"].startswith(prefix)]
    held = {name for final in finals for name in final.collections}
    violations = [*_ambiguous(own), *_wrong(own, finals, held)]
    return decide(NAME, len(held), violations, {"mapped": len(own), "collections": len(held)})


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("collection_id"), str)
        and isinstance(row.get("uuids"), dict)
    )


def _ambiguous(rows: Sequence[dict[str, Any]]) -> Iterator[Violation]:
    """Name what is mapped twice: a name, or a stable id."""
    for key, what in (("name", "name"), ("collection_id", "stable id")):
        for value, count in Counter(row[key] for row in rows).items():
            if count > 1:
                yield Violation(f"{count} mappings have the {what} {value}")


def _wrong(
    rows: Sequence[dict[str, Any]], finals: Sequence[FinalState], held: set[str]
) -> Iterator[Violation]:
    mapped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        mapped[row["name"]].append(row["uuids"])
    for name in sorted(held - mapped.keys()):
        yield Violation(f"{name} is on an instance and has no mapping")
    for name in sorted(mapped.keys() - held):
        yield Violation(f"{name} has a mapping and is on no instance")
    for final in finals:
        for name, collection in sorted(final.collections.items()):
            for uuids in mapped[name]:
                said = uuids.get(final.instance)
                if said != collection.uuid:
                    yield Violation(
                        f"the mapping of {name} on {final.instance} is wrong",
                        (f"mapped: {said}", f"there: {collection.uuid}"),
                    )

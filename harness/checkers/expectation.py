"""Owns what instances must come to hold after a heal, while clients go on; reads nothing itself."""

from collections.abc import Mapping, Sequence

from harness.checkers.documents import DocumentKey
from harness.checkers.registers import ABSENT, effects_by_document, final_values
from harness.model.document import bare, document_id_of, file_of
from harness.model.operation import Operation

EVERY_FILE = "*"
"""Stands for every file of a collection, and for the collection itself."""


class Expectation:
    """What every instance must come to hold after a heal, fixed when the heal was proven.

    Made of the operations completed by then. Documents that a later operation may have touched
    are left to the final reads; all the others must be as acknowledged.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        effects = effects_by_document(operations)
        self._allowed = {key: final_values(found) for key, found in effects.items()}

    def unmet(
        self,
        held: Mapping[DocumentKey, str],
        touched_files: set[tuple[str, str]],
    ) -> tuple[DocumentKey, ...]:
        """Name the documents that an instance does not hold as it must.

        `held` has the token of each register; `touched_files` are (collection, file) pairs that
        operations not among the expected ones may have changed, or `EVERY_FILE` of a collection.
        """
        return tuple(
            key
            for key in self._allowed.keys() | held.keys()
            if (key[0], file_of(key[1])) not in touched_files
            and (key[0], EVERY_FILE) not in touched_files
            and held_value(held, key) not in self._allowed.get(key, frozenset({ABSENT}))
        )


def held_value(held: Mapping[DocumentKey, str], key: DocumentKey) -> str:
    """Read a register: a mark that is not set is told from a document that is not there."""
    collection, register = key
    if key not in held and (collection, document_id_of(register)) in held:
        return bare(register)
    return held.get(key, ABSENT)

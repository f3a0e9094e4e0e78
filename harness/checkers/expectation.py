"""Owns what instances must come to hold after a heal, while clients go on; reads nothing itself."""

from collections.abc import Mapping, Sequence

from harness.checkers.registers import ABSENT, DocumentKey, effects_by_document, final_values
from harness.model.document import file_of
from harness.model.operation import Operation


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

        `held` has the token of each document; `touched_files` are (collection, file) pairs that
        operations not among the expected ones may have changed.
        """
        return tuple(
            key
            for key in self._allowed.keys() | held.keys()
            if (key[0], file_of(key[1])) not in touched_files
            and held.get(key, ABSENT) not in self._allowed.get(key, frozenset({ABSENT}))
        )

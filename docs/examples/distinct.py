"""Judges that no read names a document twice, as answers do that are put together carelessly."""

from collections import Counter
from collections.abc import Sequence

from harness.model.document import id_of
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.operation import Completion, Kind
from harness.model.verdict import Verdict, Violation, decide

NAME = "distinct"
_READS = (Kind.GET, Kind.QUERY)


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Look at every read that was answered with something."""
    del finals
    examined = 0
    violations: list[Violation] = []
    for read in history.operations:
        if read.kind not in _READS or read.completion is not Completion.OK or not read.observed:
            continue
        examined += 1
        named = Counter(id_of(token) for token in read.observed)
        twice = [document for document, count in named.items() if count > 1]
        if twice:
            message = f"{read.process} was given {twice[0]} {named[twice[0]]} times at once"
            violations.append(Violation(message, (f"{read.name}: {', '.join(read.observed)}",)))
    return decide(NAME, examined, violations)

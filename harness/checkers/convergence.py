"""Judges that all instances hold the same, and that they agreed within the promised time.

Collections are compared by name, each instance's own UUID behind it; documents by id, text,
metadata and the exact float32 values of the embedding. That instances agree on something that the
history does not allow is counted here (`not_allowed`), and named by exactly that one of durability,
resurrection and phantom whose promise it breaks: together they name every such document.
"""

from collections.abc import Iterator, Sequence

from harness.checkers.cases import cases
from harness.checkers.disturbances import server_endings
from harness.model.final_state import FinalState, HeldDocument
from harness.model.history import CLIENTS_STOPPED, CONVERGED, SETTLED, UNREADABLE, History
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "convergence"

CONVERGE_SECONDS = "converge_seconds"
SETTLE_SECONDS = "settle_seconds"


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare every instance with the first, and the measured times with the limit.

    An instance that cannot be read when all is healed has not converged.
    """
    unreadable = [
        Violation(f"an instance cannot be read at rest: {milestone.detail}")
        for milestone in history.milestones
        if milestone.name == UNREADABLE
    ]
    if unreadable:
        return decide(NAME, len(unreadable), unreadable)
    if len(finals) < 2:
        return unknown(NAME, f"final reads of {len(finals)} instances: two are needed to compare")
    figures, violations = _times(history)
    reference, *others = finals
    differences = [v for other in others for v in _differences(reference, other)]
    documents = sum(len(c.documents) for final in finals for c in final.collections.values())
    figures["different"] = len(differences)
    misfits = {(c.collection, c.document) for c in cases(history, finals) if not c.fits}
    figures["not_allowed"] = len(misfits)
    return decide(NAME, documents, [*differences, *violations], figures)


def _differences(reference: FinalState, other: FinalState) -> Iterator[Violation]:
    for name in sorted(reference.collections.keys() | other.collections.keys()):
        ours, theirs = reference.collections.get(name), other.collections.get(name)
        if ours is None or theirs is None:
            has, lacks = (reference, other) if ours else (other, reference)
            yield Violation(f"{name} is on {has.instance} and not on {lacks.instance}")
            continue
        if ours.metadata != theirs.metadata:
            evidence = (
                f"{reference.instance}: {ours.metadata}",
                f"{other.instance}: {theirs.metadata}",
            )
            yield Violation(f"{name} differs in its own metadata", evidence)
        for document_id in sorted(ours.documents.keys() | theirs.documents.keys()):
            left, right = ours.documents.get(document_id), theirs.documents.get(document_id)
            differing = _differing(left, right)
            if differing:
                evidence = (
                    f"{reference.instance}: {_describe(left)}",
                    f"{other.instance}: {_describe(right)}",
                )
                yield Violation(f"{name}/{document_id} differs in {differing}", evidence)


def _differing(left: HeldDocument | None, right: HeldDocument | None) -> str:
    if left is None or right is None:
        return "" if left is right else "presence"
    parts = ("text", "metadata", "embedding_digest")
    return ", ".join(part for part in parts if getattr(left, part) != getattr(right, part))


def _describe(document: HeldDocument | None) -> str:
    if document is None:
        return "nothing"
    return f"{document.metadata}, embedding {document.embedding_digest}, text {document.text!r}"


def _times(history: History) -> tuple[dict[str, float], list[Violation]]:
    """Measure the last heal to convergence, and the clients' end to settlement.

    Faults that overlap or follow one another leave no time to converge in between.
    """
    spans = []
    healed = [w for w in history.fault_windows.values() if w.was_healed]
    if healed:
        last = max(healed, key=lambda window: window.heal_observed_ns)
        healed_ns, heal = last.heal_observed_ns, f"heal of {last.fault}"
        spans.append((CONVERGE_SECONDS, heal, healed_ns, CONVERGED, str(last.index)))
    stopped = history.milestone(CLIENTS_STOPPED)
    if stopped:
        spans.append((SETTLE_SECONDS, "end of the clients", stopped.at_ns, SETTLED, ""))
    limit = history.header.limits.converge_seconds
    figures: dict[str, float] = {}
    violations: list[Violation] = []
    for figure, start, start_ns, end, detail in spans:
        reached = history.milestone(end, detail)
        if reached is None:
            violations.append(Violation(f"instances never agreed after the {start}"))
            continue
        seconds = (reached.at_ns - _delayed(history, start_ns, reached.at_ns)) / 1e9
        figures[figure] = max(seconds, figures.get(figure, 0.0))
        if seconds > limit:
            message = (
                f"instances agreed {seconds:.2f} s after the {start}, the limit is {limit:g} s"
            )
            violations.append(Violation(message))
    return figures, violations


def _delayed(history: History, start_ns: int, reached_ns: int) -> int:
    """Begin anew where a server ended by itself meanwhile: nobody agrees with one that is not."""
    back = (e.answered_ns for e in server_endings(history) if e.alive_ns < reached_ns)
    return max([start_ns, *(ns for ns in back if ns < reached_ns)])

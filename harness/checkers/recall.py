"""Judges the quality of searches at each instance against brute force over what it holds.

The index (HNSW) is approximate, and grows differently on each instance: equal answers are never
required. Recall is the share of the true neighbours that are found; a document that is as near as
the last true neighbour counts as one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.observation import Search
from harness.model.verdict import Verdict, Violation, decide

NAME = "recall"
# Servers compute with float32, and in another order.
_TOLERANCE = 1e-4
_SHOWN = 5


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare the mean recall of each instance, and their difference, with the limits."""
    del finals
    searches = history.observed(Search)
    violations = list(_errors(searches))
    by_instance: dict[str, list[tuple[float, Search]]] = defaultdict(list)
    for search in searches:
        if not search.error:
            by_instance[search.instance].append((recall_of(search), search))
            violations += _strangers(search)
    means = {name: sum(r for r, _ in found) / len(found) for name, found in by_instance.items()}
    figures: dict[str, float] = {}
    for name, found in by_instance.items():
        figures[name] = round(means[name], 4)
        figures[f"{name}.worst"] = round(min(recall for recall, _ in found), 4)
    figures["difference"] = round(
        max(means.values(), default=0) - min(means.values(), default=0), 4
    )
    violations += _low(history, means, by_instance)
    return decide(NAME, len(searches), violations, figures)


def recall_of(search: Search) -> float:
    """Tell the share of the true neighbours that were found."""
    reach = search.limit_distance * (1 + _TOLERANCE) + _TOLERANCE
    pairs = dict(zip(search.found, search.distances, strict=True))
    hits = sum(0 <= distance <= reach for distance in pairs.values())
    return min(1.0, hits / search.wanted) if search.wanted else 1.0


def _errors(searches: Sequence[Search]) -> Iterator[Violation]:
    for search in searches:
        if search.error:
            message = f"{search.instance} did not answer a search at rest: {search.collection}"
            yield Violation(message, (search.error,))


def _strangers(search: Search) -> Iterator[Violation]:
    for document_id, distance in zip(search.found, search.distances, strict=True):
        if distance < 0:
            yield Violation(
                f"a search of {search.collection} on {search.instance} found {document_id}, "
                "which is not there"
            )


def _low(
    history: History,
    means: Mapping[str, float],
    by_instance: Mapping[str, Sequence[tuple[float, Search]]],
) -> Iterator[Violation]:
    limits = history.header.limits
    for name, mean in means.items():
        if limits.recall is not None and mean < limits.recall:
            worst = sorted(by_instance[name], key=lambda pair: pair[0])[:_SHOWN]
            yield Violation(
                f"searches on {name} find {mean:.1%} of the nearest documents, "
                f"the limit is {limits.recall:.1%}",
                tuple(f"{s.collection}, {s.query}: {recall:.0%}" for recall, s in worst),
            )
    allowed = limits.recall_difference
    if allowed is not None and means and max(means.values()) - min(means.values()) > allowed:
        message = f"recall differs between instances by more than {allowed:.1%}"
        yield Violation(message, tuple(f"{name}: {mean:.1%}" for name, mean in means.items()))

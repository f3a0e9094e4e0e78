"""Owns which runs a person wants to see: what a query string says, and what it can say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.store.glance import Glance

FIELDS: Mapping[str, tuple[str, Callable[[Glance], str]]] = {
    "scenario": ("scenario", lambda run: run.scenario),
    "verdict": ("verdict", lambda run: run.word.value),
    "seed": ("seed", lambda run: run.seed),
    "lab": ("lab", lambda run: run.lab),
    "lb": ("load balancer", lambda run: run.load_balancer),
    "group": ("part of", lambda run: run.group),
}
"""What can be filtered by, each with its label and its value in a run."""

ALONE, ANY_GROUP = "", "any"
PER_PAGE = 100


@dataclass(frozen=True)
class RunFilter:
    """The values that were chosen by field; without a group only runs that are no part of one."""

    chosen: Mapping[str, str]
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "RunFilter":
        """Read it; what means nothing is left out."""
        chosen = {name: query[name].strip() for name in FIELDS if query.get(name, "").strip()}
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
        return cls(chosen, max(1, number))

    def fits(self, run: Glance) -> bool:
        """Tell whether a run is wanted."""
        group = self.chosen.get("group", ALONE)
        if group != ANY_GROUP and run.group != group:
            return False
        return all(
            read(run) == self.chosen[name]
            for name, (_, read) in FIELDS.items()
            if name in self.chosen and name != "group"
        )

    def on_page(self, runs: Sequence[Glance]) -> Sequence[Glance]:
        """Give those of the wanted runs that are on this page."""
        return runs[(self.page - 1) * PER_PAGE : self.page * PER_PAGE]

    def pages(self, runs: Sequence[Glance]) -> int:
        """Count the pages that the wanted runs need."""
        return max(1, -(-len(runs) // PER_PAGE))

    def query(self, page: int) -> str:
        """Write the query string of another page of the same runs."""
        return urlencode({**self.chosen, "page": page})


def choices(runs: Iterable[Glance]) -> dict[str, list[str]]:
    """List the values that occur, by field."""
    found = list(runs)
    return {
        name: sorted({value for run in found if (value := read(run))})
        for name, (_, read) in FIELDS.items()
    }

"""Owns what a swim lane is: stretches of time, laid into rows that keep them apart."""

from collections.abc import Iterable

import msgspec

_BENEATH = frozenset({"runs", "mark"})
"""They lie under what else there is at that time."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a lane; a `begin` that is its `end` is a mark. `row` is where it lies in it.

    `look` is one of: plan, fault, good, doubt, bad, none, gap, runs, mark. A fault is `sure` from
    its effect on until it was healed, and was not seen to be there, or to be gone, around that.
    """

    begin: float
    end: float
    look: str
    label: str
    detail: str = ""
    row: int = 0
    sure: tuple[float, float] | None = None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the chart, as high as the spans in it that overlap; `about` says what it is."""

    title: str
    about: str
    rows: int
    spans: tuple[Span, ...]


def laid_out(title: str, about: str, spans: Iterable[Span]) -> Lane:
    """Lay the spans into as few rows as keep them apart."""
    ends: list[float] = []
    laid = []
    for span in sorted(spans, key=lambda each: each.begin):
        if span.look in _BENEATH:
            laid.append(span)
            continue
        row = next((n for n, end in enumerate(ends) if end <= span.begin), len(ends))
        ends[row : row + 1] = [span.end]
        laid.append(msgspec.structs.replace(span, row=row))
    return Lane(title=title, about=about, rows=max(1, len(ends)), spans=tuple(laid))

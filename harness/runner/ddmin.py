"""Owns delta debugging: which part of a failing whole is tried next. Runs nothing itself.

The algorithm is ddmin of Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
Input", IEEE Transactions on Software Engineering 28 (2002), https://doi.org/10.1109/32.988498.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_Kept = tuple[int, ...]


def ddmin(items: Sequence[T]) -> Generator[tuple[T, ...], bool, tuple[T, ...]]:
    """Yield candidates, be sent whether each still fails, and return one that is 1-minimal.

    All items together are known to fail. 1-minimal: it fails, and without any one of its items it
    does not. The order is kept, and nothing is asked twice.
    """
    search = _Search(items)
    # What fails without any item needs no search, and one item may be as innocent as many.
    if (yield from search.first_failing(iter([()]))) is not None:
        return ()
    kept, parts = tuple(range(len(items))), 2
    while len(kept) > 1:
        if chunk := (yield from search.first_failing(_chunks(kept, parts))):
            kept, parts = chunk, 2
        elif rest := (yield from search.first_failing(_complements(kept, parts))):
            kept, parts = rest, max(2, parts - 1)
        elif parts < len(kept):
            parts = min(len(kept), 2 * parts)
        else:
            break
    return tuple(items[n] for n in kept)


class _Search(Generic[T]):
    """Asks about the items of a whole by their places, and remembers every answer."""

    def __init__(self, items: Sequence[T]) -> None:
        self._items = items
        self._known: dict[_Kept, bool] = {tuple(range(len(items))): True}

    def first_failing(
        self, candidates: Iterator[_Kept]
    ) -> Generator[tuple[T, ...], bool, _Kept | None]:
        """Ask about one candidate after another, until one fails."""
        for kept in candidates:
            if kept not in self._known:
                self._known[kept] = yield tuple(self._items[n] for n in kept)
            if self._known[kept]:
                return kept
        return None


def _chunks(kept: _Kept, parts: int) -> Iterator[_Kept]:
    """Cut into `parts` pieces that differ by one in length at most."""
    for n in range(parts):
        yield kept[n * len(kept) // parts : (n + 1) * len(kept) // parts]


def _complements(kept: _Kept, parts: int) -> Iterator[_Kept]:
    """Leave out one piece after the other."""
    for chunk in _chunks(kept, parts):
        yield tuple(n for n in kept if n not in chunk)

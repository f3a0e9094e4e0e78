"""Leftovers: collections that instances have and must not keep, until they are deleted there.

Memory of the table of that name. While a leftover is there its name is taken on that instance, so
a create or rename that wants the name goes elsewhere first.
"""

from collections.abc import Iterator

from lb.model import Leftover


class Leftovers:
    """What is to be deleted on each instance, and the names that copies in progress hold."""

    def __init__(self) -> None:
        self._stale: dict[Leftover, None] = {}
        self._copied_names: dict[str, str] = {}

    def __iter__(self) -> Iterator[Leftover]:
        return iter(tuple(self._stale))

    def add(self, leftover: Leftover) -> None:
        """Note one; nobody knows its name, as an instance that was behind may not."""
        self._stale[leftover] = None

    def discard(self, leftover: Leftover) -> None:
        """Forget one that is deleted."""
        self._stale.pop(leftover, None)

    def on(self, instance: str) -> list[Leftover]:
        """Return what is to be deleted on an instance."""
        return [each for each in self._stale if each.instance == instance]

    def hold_name(self, instance: str, name: str) -> None:
        """Note under which name a copy is being made on the instance."""
        self._copied_names[instance] = name

    def release_name(self, instance: str) -> None:
        """Note that the copy is done, or has become a leftover."""
        self._copied_names.pop(instance, None)

    def is_free(self, instance: str, name: str) -> bool:
        """Tell whether no leftover can have the name on the instance."""
        if self._copied_names.get(instance) == name:
            return False
        return not any(each.instance == instance for each in self._stale)

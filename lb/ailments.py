"""What is wrong with one collection on an instance that is well otherwise. Memory only.

A Chroma server that is killed while it saves an index can be left with one that it cannot use:
every write of that collection, or every search, gets a 5xx from then on, and no restart helps
(https://github.com/chroma-core/chroma/issues/7678), or silence, or the end of the server. That
another instance answers the same well shows whose fault it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lb.catalogue import Collection
from lb.crashes import Crashes
from lb.suspicion import names_storage

ENOUGH_FAILURES = 5
ENOUGH_SECONDS = 5.0
"""Fewer failures, or within a shorter time, may pass by themselves."""
FORGET_SECONDS = 30.0
"""Without a failure for so long it has passed."""


@dataclass
class _Ailment:
    began_at: float
    last_at: float
    error: str
    failures: int = 1

    @property
    def is_chronic(self) -> bool:
        lasted = self.last_at - self.began_at
        return self.failures >= ENOUGH_FAILURES and lasted >= ENOUGH_SECONDS


class Ailments:
    """Requests that one instance failed, or died of, and that another one answered with success."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.crashes = Crashes()
        self._known: dict[tuple[Collection, str], _Ailment] = {}

    def note(self, collection: Collection, instance: str, error: str) -> None:
        """Note a failure. A failing disk is a reason to wait, and none to make copies."""
        if names_storage(error):
            return
        now = self._clock()
        ailment = self._known.get((collection, instance))
        if ailment is None or now - ailment.last_at > FORGET_SECONDS:
            self._known[collection, instance] = _Ailment(now, now, error)
            return
        ailment.last_at, ailment.error = now, error
        ailment.failures += 1

    def explains(self, collection: Collection, instance: str, error: str) -> bool:
        """Tell whether the collection fails there with just this, whoever writes."""
        ailment = self._known.get((collection, instance))
        if ailment is None or self._clock() - ailment.last_at > FORGET_SECONDS:
            return False
        return ailment.error == error

    def forget(self, collection: Collection, instance: str) -> None:
        """Forget what was wrong: the collection was replaced there."""
        self._known.pop((collection, instance), None)
        self.crashes.forget(collection, instance)

    def chronic_on(self, instance: str) -> list[tuple[Collection, str]]:
        """Return the collections that do not get well by themselves there, with the last error."""
        self._known = {
            key: ailment
            for key, ailment in self._known.items()
            if self._clock() - ailment.last_at <= FORGET_SECONDS
        }
        chronic = [
            (collection, ailment.error)
            for (collection, name), ailment in self._known.items()
            if name == instance and ailment.is_chronic
        ]
        return [*self.crashes.guilty_on(instance), *chronic]

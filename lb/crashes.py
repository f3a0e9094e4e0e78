"""Which collection a server dies of: a write that is in flight whenever it ends. Memory only.

A Chroma server that is killed while it saves an index can be left with one that makes it end, by a
signal, at each write of that collection, for ever. What was in flight with that write is innocent.
So an instance that ended twice with the same write in flight is driven carefully: it gets one
window at a time. The one that it then ends of again is the culprit, if another instance has
applied the same and lives; without such a witness the write itself may be what kills servers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from lb.catalogue import Collection
from lb.instances import Instance, State
from lb.model import Entry

SUSPICIOUS_ENDS = 2
"""A server that is killed by chance may have any write in flight, but hardly the same one again."""

_K = TypeVar("_K")


@dataclass
class _Suspect:
    """A write that was in flight when the instance ended, and has not been applied there since."""

    collection: Collection
    entry: Entry
    error: str
    ends: int = 0


@dataclass
class _Course:
    """What one instance has been through."""

    is_down: bool = False
    broken: dict[int, _Suspect] = field(default_factory=dict)
    """What was in flight when connections broke, since it served last."""
    suspects: dict[int, _Suspect] = field(default_factory=dict)
    guilty: dict[Collection, _Suspect] = field(default_factory=dict)
    at_work: set[UUID] = field(default_factory=set)
    turns: dict[UUID, int] = field(default_factory=dict)
    has_waiting: bool = False


class Crashes:
    """What each instance had in flight when it ended, and whom it may be sent now.

    An instance has ended when connections broke and it did not answer probes then. It may as well
    have been cut off: nothing but a write that is not applied between two ends is suspicious.
    """

    def __init__(self) -> None:
        self._courses: dict[str, _Course] = {}

    def note_broken(self, collection: Collection, entry: Entry, instance: str, error: str) -> None:
        """Note that the connection broke on which the instance had a window that begins so."""
        course = self._of(instance)
        known = course.suspects.get(entry.position)
        course.broken[entry.position] = known or _Suspect(collection, entry, error)

    def note_state(self, instance: Instance) -> None:
        """Take in that the instance's state has changed; judge an end when it is back."""
        course = self._of(instance.name)
        if instance.state is State.DOWN:
            course.is_down = True
        elif instance.is_serving:
            if course.is_down:
                self._judge(instance.name, course)
            course.is_down = False
            course.broken.clear()

    def is_careful(self, instance: str) -> bool:
        """Tell whether the instance ended again and again of the same write, or may have."""
        course = self._of(instance)
        course.suspects = _unapplied(course.suspects, instance)
        return any(suspect.ends >= SUSPICIOUS_ENDS for suspect in course.suspects.values())

    def may_send(self, instance: str, entry: Entry, *, others_serve: bool) -> bool:
        """Tell whether the instance may be sent the entry now.

        While others serve the collection, nothing is sent of one that is known to kill it, and
        what nobody has applied yet is not sent to one that is driven carefully.
        """
        course = self._of(instance)
        if not course.suspects and not course.guilty:
            return True
        course.guilty = _unapplied(course.guilty, instance)
        if others_serve and any(each.id == entry.lane_id for each in course.guilty):
            return False
        if not self.is_careful(instance):
            return True
        if others_serve and entry.outcome is None:
            return False
        course.has_waiting = True
        return course.at_work <= {entry.lane_id}

    def begin(self, instance: str, collection: Collection) -> None:
        """Note that a window of the collection is about to be sent."""
        course = self._of(instance)
        course.at_work.add(collection.id)
        if course.suspects:
            course.turns[collection.id] = max(course.turns.values(), default=0) + 1

    def finish(self, instance: str, collection: Collection) -> bool:
        """Note that it has ended; True when other collections may have waited for that."""
        course = self._of(instance)
        course.at_work.discard(collection.id)
        had_waiting, course.has_waiting = course.has_waiting, False
        return had_waiting

    def in_turn(self, instance: str, collections: Iterable[Collection]) -> list[Collection]:
        """Put those first that the instance has not been sent for longest, while it matters."""
        course = self._of(instance)
        if not course.suspects:
            return list(collections)
        return sorted(collections, key=lambda each: course.turns.get(each.id, 0))

    def guilty_on(self, instance: str) -> list[tuple[Collection, str]]:
        """Return the collections that kill the instance, with the last error."""
        guilty = _unapplied(self._of(instance).guilty, instance)
        return [(collection, suspect.error) for collection, suspect in guilty.items()]

    def forget(self, collection: Collection, instance: str) -> None:
        """Forget what was wrong: the collection was replaced there."""
        self._of(instance).guilty.pop(collection, None)

    def _of(self, instance: str) -> _Course:
        return self._courses.setdefault(instance, _Course())

    def _judge(self, instance: str, course: _Course) -> None:
        was_careful = self.is_careful(instance)
        for position, suspect in course.broken.items():
            suspect.ends += 1
            course.suspects[position] = suspect
        collections = {suspect.collection for suspect in course.broken.values()}
        if not was_careful or len(collections) != 1:
            return
        culprit = next(iter(course.broken.values()))
        has_witness = culprit.entry.outcome is not None and culprit.entry.outcome.is_success
        if culprit.ends > SUSPICIOUS_ENDS and has_witness and _is_unapplied(culprit, instance):
            course.guilty[culprit.collection] = culprit


def _is_unapplied(suspect: _Suspect, instance: str) -> bool:
    """Tell whether the instance still has to apply it; not when it has left the collection."""
    lane = suspect.collection.lane
    return lane.is_member(instance) and lane.applied[instance] < suspect.entry.position


def _unapplied(suspects: dict[_K, _Suspect], instance: str) -> dict[_K, _Suspect]:
    return {key: each for key, each in suspects.items() if _is_unapplied(each, instance)}

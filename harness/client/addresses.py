"""Owns what the clients of a run call each collection in a path: by id, by name or by an instance.

Only the load balancer's own answers change it, so it is as much as a client can know: while a
rename is in doubt, the name is the old one.
"""

from collections.abc import Mapping

from harness.model.collection import name_in
from harness.model.operation import Invocation, Kind, Naming


class Addresses:
    """Maps the labels of collections to ids, names and the instances' own UUIDs."""

    def __init__(self, ids: Mapping[str, str] | None = None) -> None:
        self._ids = dict(ids or {})
        self._names: dict[str, str] = {}
        self._of_instances: dict[str, list[str]] = {}

    def created(self, invocation: Invocation, collection_id: str) -> None:
        """Note what the server calls a collection that it made, or found."""
        self._ids[invocation.collection] = collection_id
        self._names.setdefault(invocation.collection, invocation.collection)

    def renamed(self, invocation: Invocation) -> None:
        """Note the new name."""
        self._names[invocation.collection] = name_in(invocation.tokens[0])

    def dropped(self, invocation: Invocation) -> None:
        """Forget the collection."""
        self._ids.pop(invocation.collection, None)
        self._names.pop(invocation.collection, None)

    def seen_on_instance(self, collection: str, uuid: str) -> None:
        """Note the UUID that one more instance gave; only of collections that are never dropped."""
        self._of_instances.setdefault(collection, []).append(uuid)

    def knows(self, collection: str) -> bool:
        """Tell whether the server has said what it calls the collection."""
        return collection in self._ids

    def resolve(self, invocation: Invocation, number: int) -> tuple[Naming, str | None]:
        """Say how the path names the collection, and the word for it; nothing if there is none.

        Where no instance gave a UUID the id is taken instead, and said so. `number` chooses among
        the instances. A create, a list and a drop leave no choice (plain Chroma drops by name).
        """
        collection = invocation.collection
        name = self._names.get(collection, collection)
        if invocation.kind in (Kind.CREATE, Kind.LIST):
            return invocation.naming, ""
        if invocation.kind is Kind.DROP:
            return invocation.naming, name
        if invocation.naming is Naming.NAME:
            return Naming.NAME, name
        uuids = self._of_instances.get(collection)
        if invocation.naming is Naming.INSTANCE and uuids:
            return Naming.INSTANCE, uuids[number % len(uuids)]
        return Naming.ID, self._ids.get(collection)

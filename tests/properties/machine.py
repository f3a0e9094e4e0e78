"""The state machine: everything the official client can do, on both sides, with equal results."""

from collections.abc import Callable
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from tests.properties import domains
from tests.properties.accepted import is_accepted
from tests.properties.final_state import check_equal_everywhere, remove_everything
from tests.properties.sides import Handle, Raised, World, Worlds

MANY = 50
"""More results than any example has documents: the answer of the index is exact then."""


class SameAsPlainChroma(RuleBasedStateMachine):
    """Each rule asks the load balancer, then plain Chroma; both must give the same.

    Handles stay in use after their collection was renamed or deleted.
    """

    handles = Bundle("handles")

    def __init__(self, worlds: Worlds) -> None:
        super().__init__()
        self.world: World = worlds.get()
        # Spoilt until the example has ended well: whatever fails, the next one starts afresh.
        self.world.is_spoilt = True
        self.has_failed = False

    def both(self, operation: str, call: Callable[[Any], Any], on: Handle | None = None) -> Any:
        """Make the same call on both sides and compare; returns both results, None if it raised."""
        lb, plain = self.world.lb, self.world.plain
        for_lb, for_plain = (on.lb, on.plain) if on else (lb.client, plain.client)
        theirs, expected = plain.run(call, for_plain)
        ours, seen = lb.run(call, for_lb)
        note(f"{operation}: {expected!r}")
        self.expect(
            seen == expected or is_accepted(operation, seen, expected), operation, seen, expected
        )
        return None if isinstance(seen, Raised) else (ours, theirs)

    def expect(self, holds: bool, operation: str, seen: object, expected: object) -> None:
        """Fail the example, and remember that it failed, so that its end is not judged too."""
        if not holds:
            self.has_failed = True
            raise AssertionError(
                f"{operation}\n  load balancer: {seen!r}\n  plain Chroma:  {expected!r}"
            )

    # A first collection, so that no example is spent on collections that never were.
    @initialize(
        target=handles, configuration=st.sampled_from([None, {"hnsw": {"space": "cosine"}}])
    )
    def begin(self, configuration: Any) -> Any:
        return self._create("alpha", None, configuration, is_get_or_create=False)

    @rule(
        target=handles,
        name=domains.ANY_NAME,
        metadata=domains.COLLECTION_METADATA,
        configuration=domains.CONFIGURATIONS,
        is_get_or_create=st.booleans(),
    )
    def create_collection(
        self, name: str, metadata: Any, configuration: Any, is_get_or_create: bool
    ) -> Any:
        return self._create(name, metadata, configuration, is_get_or_create=is_get_or_create)

    def _create(
        self, name: str, metadata: Any, configuration: Any, *, is_get_or_create: bool
    ) -> Any:
        made = self.both(
            "create_collection",
            lambda client: client.create_collection(
                name,
                metadata=metadata,
                configuration=configuration,
                embedding_function=None,
                get_or_create=is_get_or_create,
            ),
        )
        return Handle(*made) if made else multiple()

    @rule(target=handles, name=domains.ANY_NAME)
    def get_collection(self, name: str) -> Any:
        found = self.both(
            "get_collection", lambda client: client.get_collection(name, embedding_function=None)
        )
        return Handle(*found) if found else multiple()

    @rule(name=domains.ANY_NAME)
    def delete_collection(self, name: str) -> None:
        self.both("delete_collection", lambda client: client.delete_collection(name))

    @rule()
    def count_collections(self) -> None:
        self.both("count_collections", lambda client: client.count_collections())

    @rule(limit=domains.LIMITS, offset=domains.LIMITS)
    def list_collections(self, limit: int | None, offset: int | None) -> None:
        """Compare how many a page has; which, is chance: Chroma orders them by random ids."""
        self.both("list_collections", lambda client: len(client.list_collections(limit, offset)))

    @rule(size=st.integers(1, 3))
    def list_all_collections(self, size: int) -> None:
        """Compare what all pages have together."""

        def listed(client: Any) -> list[Any]:
            whole, pages, offset = client.list_collections(), [], 0
            while page := client.list_collections(size, offset):
                pages += page
                offset += size
            assert [c.id for c in pages] == [c.id for c in whole], "pages are not the whole"
            return sorted(whole, key=lambda collection: collection.name)

        self.both("list_all_collections", listed)

    @rule(
        on=handles,
        name=st.one_of(st.none(), domains.ANY_NAME),
        metadata=domains.COLLECTION_METADATA,
        configuration=domains.NEW_CONFIGURATIONS,
    )
    def modify(self, on: Handle, name: str | None, metadata: Any, configuration: Any) -> None:
        self.both(
            "modify",
            lambda collection: collection.modify(name, metadata, configuration),
            on,
        )

    @rule(on=handles, columns=domains.batches(with_embeddings=True))
    def add(self, on: Handle, columns: dict[str, Any]) -> None:
        self.both("add", lambda collection: collection.add(**columns), on)

    @rule(on=handles, columns=domains.batches(with_embeddings=True))
    def upsert(self, on: Handle, columns: dict[str, Any]) -> None:
        self.both("upsert", lambda collection: collection.upsert(**columns), on)

    @rule(on=handles, columns=domains.batches(with_embeddings=False))
    def update(self, on: Handle, columns: dict[str, Any]) -> None:
        self.both("update", lambda collection: collection.update(**columns), on)

    @rule(on=handles, conditions=domains.CONDITIONS, limit=domains.LIMITS)
    def delete(self, on: Handle, conditions: dict[str, Any], limit: int | None) -> None:
        chosen = conditions if limit is None else {**conditions, "limit": limit}
        self.both("delete", lambda collection: collection.delete(**chosen), on)

    @rule(
        on=handles,
        conditions=domains.CONDITIONS,
        limit=domains.LIMITS,
        offset=domains.LIMITS,
        include=domains.INCLUDES,
    )
    def get(
        self,
        on: Handle,
        conditions: dict[str, Any],
        limit: int | None,
        offset: int | None,
        include: Any,
    ) -> None:
        self.both(
            "get",
            lambda collection: collection.get(
                **conditions, limit=limit, offset=offset, include=include
            ),
            on,
        )

    @rule(on=handles, limit=st.integers(-1, 5))
    def peek(self, on: Handle, limit: int) -> None:
        self.both("peek", lambda collection: collection.peek(limit), on)

    @rule(on=handles)
    def count(self, on: Handle) -> None:
        self.both("count", lambda collection: collection.count(), on)

    @rule(
        on=handles,
        vectors=st.lists(domains.VECTORS, max_size=2),
        conditions=domains.CONDITIONS,
        n_results=st.sampled_from([MANY, MANY, 1, 0, -1]),
    )
    def query(self, on: Handle, vectors: Any, conditions: dict[str, Any], n_results: int) -> None:
        def ranked(collection: Any) -> Any:
            """Return the distances in order, and which ids there are when all were asked for."""
            found = collection.query(
                query_embeddings=vectors,
                n_results=n_results,
                include=["distances", "documents", "metadatas"],
                **conditions,
            )
            distances = [[round(d, 4) for d in one] for one in found["distances"]]
            columns = ("ids", "documents", "metadatas")
            entries = [
                sorted(map(repr, zip(*rows, strict=True)))
                for rows in zip(*(found[name] for name in columns), strict=True)
            ]
            # Which ones are nearest is not sure where distances are equal.
            is_sure = n_results == MANY or not any(found["ids"])
            return {"distances": distances, "ids": entries if is_sure else "some"}

        self.both("query", ranked, on)

    def teardown(self) -> None:
        """Require that both instances hold what plain Chroma holds, and clean up."""
        if self.has_failed:
            return
        self.heal()
        check_equal_everywhere(self.world)
        remove_everything(self.world)
        self.world.is_spoilt = False

    def heal(self) -> None:
        """Bring every server back that a rule took away."""

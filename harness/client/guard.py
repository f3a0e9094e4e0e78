"""Owns which collections the harness may write to. Pure: it is asked before anything is sent.

The rule is one for all that writes, in every lab: names that begin with a prefix of ours, and never
a protected one. What is not a test's own is safe because no request for it is ever made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.errors import ProtectedCollectionError
from harness.model.collection import name_in
from harness.model.operation import Invocation, Kind

TEST_PREFIXES = ("AUTOTEST_", "test_", "DEBUG_")
PROTECTED = frozenset({"global"})
"""Always protected; more can be named."""


@dataclass(frozen=True)
class Guard:
    """Allows names that begin with one of `prefixes`, but for those that are `protected`."""

    prefixes: tuple[str, ...]
    protected: frozenset[str] = PROTECTED

    def allows(self, name: str) -> bool:
        """Tell whether the collection may be written to."""
        return name not in self.protected | PROTECTED and any(
            prefix and name.startswith(prefix) for prefix in self.prefixes
        )

    def check(self, name: str) -> None:
        """Raise `ProtectedCollectionError` unless it may."""
        if self.allows(name):
            return
        if name in self.protected | PROTECTED:
            reason = "is protected"
        else:
            ours = " or ".join(repr(prefix) for prefix in self.prefixes)
            reason = f"is not one of ours, whose names begin with {ours}"
        raise ProtectedCollectionError(f"collection {name!r} {reason}: it was not touched")

    def check_invocation(self, invocation: Invocation) -> None:
        """Check every collection that it names: a rename has a second one."""
        for name in _names(invocation):
            self.check(name)

    def allowed(self, names: Iterable[str]) -> list[str]:
        """Choose those that may be written to, in the order of the alphabet."""
        return sorted(name for name in set(names) if self.allows(name))


def _names(invocation: Invocation) -> Iterator[str]:
    yield invocation.collection
    if invocation.kind is Kind.RENAME:
        yield name_in(invocation.tokens[0])

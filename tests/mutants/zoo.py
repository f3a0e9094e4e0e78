"""All mutants by name, family by family."""

from tests.mutants.families import (  # noqa: F401 (each puts its mutants into the zoo)
    ailing,
    appliers,
    beyond_the_cms,
    catalogue,
    health,
    late,
    log,
    mapping,
    merging,
    order,
    reads,
    recovery,
    status,
    transactions,
    writes,
)
from tests.mutants.registry import Mutant, registered

ZOO: dict[str, Mutant] = registered()

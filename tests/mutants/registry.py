"""The zoo: every broken load balancer, with the promise that it breaks and who must notice."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.mutants.patches import Patches
from tests.mutants.promises import Promise

Install = Callable[[Patches], None]


@dataclass(frozen=True)
class Mutant:
    """One fault: what it is, what it breaks, and the checkers of which each must see it.

    `is_sample` puts it into the few that `make test` tries.
    """

    name: str
    family: str
    fault: str
    breaks: Promise
    trial: str
    caught_by: frozenset[str]
    install: Install
    is_sample: bool = False


_ZOO: dict[str, Mutant] = {}


def mutant(
    breaks: Promise, trial: str, caught_by: str, *, is_sample: bool = False
) -> Callable[[Install], Install]:
    """Put a mutant into the zoo: its name is the function's, its fault the docstring.

    `trial` is the name of one of `trials`, which the load balancer's process does not import;
    `caught_by` names one or more checkers, with spaces between them.
    """

    def register(install: Install) -> Install:
        name = install.__name__.replace("_", "-")
        if name in _ZOO:
            raise ValueError(f"there are two mutants {name}")
        fault = (install.__doc__ or "").strip()
        family = install.__module__.rpartition(".")[2]
        checkers = frozenset(caught_by.split())
        _ZOO[name] = Mutant(name, family, fault, breaks, trial, checkers, install, is_sample)
        return install

    return register


def registered() -> dict[str, Mutant]:
    """Return what was put into the zoo so far; `zoo` has all."""
    return dict(_ZOO)

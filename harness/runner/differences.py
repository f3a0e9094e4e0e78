"""Owns in what two saved runs differ: how they were made, verdicts and figures."""

from collections.abc import Mapping
from typing import Any

from harness.runner.run_store import SavedRun


def differences(left: SavedRun, right: SavedRun) -> list[tuple[str, str, str]]:
    """Return what differs, with both values."""
    sides = [_facts(left), _facts(right)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    rows = [(name, sides[0].get(name, ""), sides[1].get(name, "")) for name in names]
    return [row for row in rows if row[1] != row[2]]


def described(run: SavedRun) -> dict[str, str]:
    """Give how the run was made, as `part.name`."""
    facts = {name: str(run.description.get(name)) for name in ("scenario", "seed", "limits")}
    for part in ("workload", "configuration", "versions"):
        of_part: Any = run.description.get(part)
        if isinstance(of_part, Mapping):
            facts |= {f"{part}.{name}": str(value) for name, value in of_part.items()}
    return facts


def _facts(run: SavedRun) -> dict[str, str]:
    verdicts = run.judgement.verdicts if run.judgement else ()
    said = {f"verdict of {v.checker}": str(v.outcome) for v in verdicts}
    return described(run) | said | {name: f"{value:g}" for name, value in run.figures().items()}

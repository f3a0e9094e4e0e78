"""What a failing test shows of its run: violations, seed, and the commands that repeat it."""

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from harness.model.verdict import Outcome
from harness.pytest_plugin.cases import RESULT, Case
from harness.report.summary import WIDTH, print_verdict
from harness.runner.run import RunResult

# The test that shows the evidence of each run, by the run's files.
_SHOWN = pytest.StashKey[dict[str, str]]()


def evidence(item: pytest.Item, case: Case) -> str:
    """Write all of it as plain text."""
    module = item.getparent(pytest.Module)
    result = module.stash.get(RESULT, None) if module is not None else None
    return "\n".join(_lines(case, result))


def evidence_once(item: pytest.Item, case: Case) -> str:
    """Write all of it for the first failing test of a run; the others name that one."""
    first = item.session.stash.setdefault(_SHOWN, {}).setdefault(case.files, item.nodeid)
    if first == item.nodeid:
        return evidence(item, case)
    return "\n".join([*_lines(case, None), f"evidence: with {first}"])


def _lines(case: Case, result: RunResult | None) -> Iterator[str]:
    reason = f": {case.reason}" if case.reason else ""
    yield f"scenario {case.scenario}, seed {case.seed}: {case.verdict}{reason}"
    yield f"promised: {case.promise}"
    if result is not None:
        yield from _violations(result)
    yield from (f"again:    {command}" for command in case.again if command)
    yield f"files:    {case.files}"


def _violations(result: RunResult) -> Iterator[str]:
    written = StringIO()
    console = Console(file=written, width=WIDTH, no_color=True)
    for verdict in result.verdicts:
        if verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN):
            print_verdict(console, verdict)
    yield written.getvalue().rstrip() or "no checker of the run found a violation"

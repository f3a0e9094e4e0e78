"""Owns what became of each scenario of a session: one case for each run, or for none.

A case lies with the module's node while its tests run, and goes along with their reports, because
the one that prints the summary may be another process than the one that ran.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from harness.checkers import availability, convergence, durability
from harness.errors import HarnessError, UnsupportedFaultError
from harness.runner.interruption import InterruptedRunError
from harness.runner.run import RunResult, RunSettings

ROW = "chroma_chaos_case"
NOT_RUN, SKIPPED, COULD_NOT_RUN = "not run", "skipped", "could not run"


@dataclass(frozen=True)
class Case:
    """A scenario and what came of it; `reason` says why there is no verdict.

    `again` and `files` are commands and a place for a person; figures are None where unknown.
    """

    scenario: str
    use_case: str
    promise: str
    seed: int
    files: str
    again: tuple[str, ...]
    workload: str = ""
    faults: tuple[str, ...] = ()
    verdict: str = NOT_RUN
    reason: str = ""
    operations: float | None = None
    failed: float | None = None
    lost: float | None = None
    gap_seconds: float | None = None
    converge_seconds: float | None = None

    def as_row(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {**asdict(self), "again": list(self.again), "faults": list(self.faults)}

    def judged(self, result: RunResult) -> "Case":
        """Take in the verdict and the figures of the run."""
        figures = {verdict.checker: verdict.figures for verdict in result.verdicts}
        of_clients = figures.get(availability.NAME, {})
        times = figures.get(convergence.NAME, {})
        last = convergence.CONVERGE_SECONDS if result.history.header.faults else None
        return replace(
            self,
            verdict=str(result.outcome),
            operations=of_clients.get("operations"),
            failed=of_clients.get("failed"),
            lost=figures.get(durability.NAME, {}).get("lost"),
            gap_seconds=of_clients.get("gap_seconds"),
            converge_seconds=times.get(last or convergence.SETTLE_SECONDS),
        )


CASE = pytest.StashKey[Case]()
RESULT = pytest.StashKey[RunResult]()


def begin_case(node: pytest.Collector, settings: RunSettings, again: str) -> None:
    """Let the module's tests be about this run, which is still to be made."""
    scenario = settings.scenario
    node.stash[CASE] = Case(
        scenario=scenario.name,
        use_case=scenario.use_case,
        promise=scenario.promise,
        seed=settings.seed,
        files=str(settings.directory.path),
        again=(again, settings.command),
        workload=settings.workload.name,
        faults=tuple(fault.name for fault in scenario.faults),
    )


def note_result(node: pytest.Collector, result: RunResult) -> None:
    """Let the module's tests be about what came of it."""
    node.stash[RESULT] = result
    node.stash[CASE] = node.stash[CASE].judged(result)


@contextmanager
def noting(node: pytest.Collector) -> Iterator[None]:
    """Turn what keeps a scenario from being run into a skip, or into the reason for no verdict."""
    try:
        yield
    except UnsupportedFaultError as error:
        node.stash[CASE] = replace(node.stash[CASE], verdict=SKIPPED, reason=str(error))
        pytest.skip(str(error))
    except InterruptedRunError as error:
        node.stash[CASE] = replace(node.stash[CASE], verdict=COULD_NOT_RUN, reason=str(error))
        pytest.exit(str(error), returncode=error.exit_code)
    except HarnessError as error:
        node.stash[CASE] = replace(node.stash[CASE], verdict=COULD_NOT_RUN, reason=str(error))
        raise


def case_of(item: pytest.Item) -> Case | None:
    """Find the run that a test is about; None for one that is about no run."""
    module = item.getparent(pytest.Module)
    if module is None or "run_directory" not in getattr(item, "fixturenames", ()):
        return None
    return module.stash.get(CASE, None)

"""Owns a saved run at a glance: the few facts and figures by which runs are listed and compared.

Whatever its files hold, and however torn they are, a run has a glance that says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.checkers import availability, convergence
from harness.errors import RunDirectoryError
from harness.model.verdict import Outcome
from harness.runner.run_directory import RunDirectory
from harness.runner.run_store import SavedRun, read_run

OUR_OWN = "our own"


class Word(StrEnum):
    """What is known of a run as a whole: its verdict, or why there is none."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"
    """It is under way, or it was interrupted before it was judged."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Figures:
    """What clients felt; None where it is not known. Latencies are those of the slowest phase."""

    operations: float | None = None
    failed: float | None = None
    gap_seconds: float | None = None
    read_p99_ms: float | None = None
    write_p99_ms: float | None = None
    converge_seconds: float | None = None


@dataclass(frozen=True)
class Glance:
    """One run; `name` is its path below the root, `group` that of the directory that it is one of.

    `failing` names the checkers that found a violation, `trouble` says why it is unreadable.
    """

    name: str
    group: str
    word: Word
    scenario: str = "?"
    seed: str = "?"
    started_at: str = ""
    lab: str = "?"
    load_balancer: str = "?"
    failing: tuple[str, ...] = ()
    figures: Figures = field(default_factory=Figures)
    trouble: str = ""
    has_report: bool = False


def glance_at(directory: RunDirectory, name: str) -> Glance:
    """Read it; never raises for what the files hold."""
    group = name.rpartition("/")[0]
    if not directory.description.is_file():
        return Glance(name, group, Word.UNREADABLE, trouble="there is no run.json")
    try:
        run = read_run(directory)
    except RunDirectoryError as error:
        return Glance(name, group, Word.UNREADABLE, trouble=str(error))
    about = run.description
    configuration: Any = about.get("configuration")
    if not isinstance(configuration, Mapping):
        configuration = {}
    return Glance(
        name=name,
        group=group,
        word=word_of(run),
        scenario=_text(about.get("scenario")),
        seed=_text(about.get("seed")),
        started_at=_text(about.get("started_at")),
        lab=_text(configuration.get("lab", "processes")),
        load_balancer=_text(
            configuration.get("lb_url") or configuration.get("lb_command") or OUR_OWN
        ),
        failing=failing_in(run),
        figures=figures_of(run.figures()),
        has_report=directory.report.is_file(),
    )


def word_of(run: SavedRun) -> Word:
    """Say what is known of the run as a whole."""
    if run.judgement is None:
        return Word.UNFINISHED
    outcome = run.judgement.outcome
    return Word.UNKNOWN if outcome is Outcome.NOT_OFFERED else Word(outcome.value)


def failing_in(run: SavedRun) -> tuple[str, ...]:
    """Name the checkers that found a violation."""
    verdicts = run.judgement.verdicts if run.judgement else ()
    return tuple(v.checker for v in verdicts if v.outcome is Outcome.FAIL)


def figures_of(figures: Mapping[str, float]) -> Figures:
    """Choose among the figures of all checkers, which are named `checker.figure`."""
    converge = figures.get(f"{convergence.NAME}.{convergence.CONVERGE_SECONDS}")
    settle = figures.get(f"{convergence.NAME}.{convergence.SETTLE_SECONDS}")
    return Figures(
        operations=figures.get(f"{availability.NAME}.operations"),
        failed=figures.get(f"{availability.NAME}.failed"),
        gap_seconds=figures.get(f"{availability.NAME}.gap_seconds"),
        read_p99_ms=_most(figures, "read"),
        write_p99_ms=_most(figures, "write"),
        converge_seconds=settle if converge is None else converge,
    )


def _most(figures: Mapping[str, float], sort: str) -> float | None:
    end = f".{sort}.p99_ms"
    found: Iterable[float] = (value for name, value in figures.items() if name.endswith(end))
    return max(found, default=None)


def _text(value: Any) -> str:
    return "?" if value is None else str(value)

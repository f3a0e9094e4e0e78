"""Makes saved runs without a lab: the real recorders write what clients might have seen."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.checkers import availability
from harness.model.document import make_token
from harness.model.fault_window import FaultWindow
from harness.model.final_state import write_final_states
from harness.model.history import PHASE_STARTED, Header, HistoryWriter, Limits, Milestone
from harness.model.operation import Completion, Kind
from harness.model.verdict import Outcome, Verdict, Violation
from harness.report.summary import write_summary
from harness.runner.gap_store import measured_in
from harness.runner.run_directory import RunDirectory, verdict_file, write_json
from tests.mutants.matrix import Finding, matrix_file
from tests.mutants.trial_run import TrialResult
from tests.mutants.zoo import ZOO
from tests.unit.checkers.histories import SECOND, operation

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PHASES = (("baseline", 0), ("primary down", 3), ("recovery", 11))
ENDS_SECONDS = 16
LOST = "AUTOTEST_7_files_1/client-1-file-3/0"


@dataclass(frozen=True)
class SavedRunPlan:
    """What a run is to look like; a `lost` one failed, one without a verdict was interrupted."""

    scenario: str = "primary-down"
    seed: int = 7
    day: int = 0
    lb_command: str | None = None
    lost: int = 0
    slower: float = 1.0
    per_second: int = 20
    is_judged: bool = True

    @property
    def name(self) -> str:
        at = BEGAN + timedelta(days=self.day)
        return f"{at:%Y%m%dT%H%M%S}-{self.scenario}-{self.seed}"


def save_run(root: Path, plan: SavedRunPlan, name: str = "") -> RunDirectory:
    """Write it under its name, or another one."""
    directory = RunDirectory(root / (name or plan.name))
    directory.create()
    directory.describe(_description(plan))
    write_json(directory.schedule, {"seed": plan.seed, "seconds": ENDS_SECONDS, "faults": []})
    limits = Limits(failed_operations=None, gap_seconds=10.0)
    header = Header(
        scenario=plan.scenario,
        seed=plan.seed,
        dimensions=4,
        prefix="AUTOTEST_7_",
        limits=limits,
        faults=("kill primary",),
    )
    with HistoryWriter(directory.history, header) as log:
        _write_events(log, plan)
    write_final_states(directory.final, ())
    if plan.is_judged:
        verdicts = [availability.check(log.history, ()), *_verdicts(plan)]
        directory.verdict.write_bytes(verdict_file(log.history, verdicts))
        write_summary(directory.summary, log.history, verdicts)
    logs = directory.path / "logs"
    logs.mkdir()
    (logs / "lb.log").write_text("the load balancer's words\n")
    return directory


def save_gaps(root: Path, name: str, lb_command: str | None = None, slower: float = 1.0) -> None:
    """Write measured gaps of two kinds of failure."""
    for kind in ("kill", "pause"):
        plan = SavedRunPlan(f"gap-{kind}", slower=slower, lb_command=lb_command)
        save_run(root, plan, f"{name}/{kind}")
    measured_in(root / name).write()


def save_matrix(root: Path, name: str) -> None:
    """Write a kill matrix as `make mutants` does: two were caught, one survived."""
    checkers = ("availability", "convergence", "durability", "resurrection", "recall")
    findings = []
    for mutant in ("one-direction", "delete-on-one-side", "stale-reads"):
        failing = ZOO[mutant].caught_by if mutant != "stale-reads" else frozenset()
        names = dict.fromkeys((*checkers, *sorted(ZOO[mutant].caught_by)))
        outcomes = {name: "fail" if name in failing else "pass" for name in names}
        directory = save_run(root, SavedRunPlan(mutant, lost=1), f"{name}/{mutant}-1").path
        result = TrialResult("quiet", 1, directory, 9.0, {**outcomes, "recall": "unknown"}, {}, 3)
        findings.append(Finding(ZOO[mutant], (result,)))
    control = TrialResult("quiet", 1, root / name / "unmodified-1", 9.0, {"durability": "pass"})
    (root / name / "mutants.json").write_bytes(matrix_file(findings, [control], 30.0))


def _description(plan: SavedRunPlan) -> dict[str, object]:
    return {
        "scenario": plan.scenario,
        "seed": plan.seed,
        "started_at": (BEGAN + timedelta(days=plan.day)).isoformat(timespec="seconds"),
        "workload": {"name": "cms", "clients": 4},
        "configuration": {"lab": "processes", "lb_command": plan.lb_command},
        "versions": {"chroma": "1.5.9", "postgres": "18.6"},
        "command": f"chroma-chaos run {plan.scenario} --seed {plan.seed}",
    }


def _write_events(log: HistoryWriter, plan: SavedRunPlan) -> None:
    chance = random.Random(plan.seed)
    for phase, at_seconds in PHASES:
        log.append(Milestone(name=PHASE_STARTED, at_ns=at_seconds * SECOND, detail=phase))
    for number in range(ENDS_SECONDS * plan.per_second):
        at_ns = number * SECOND // plan.per_second
        second = at_ns / SECOND
        phase = next(name for name, began in reversed(PHASES) if began <= second)
        is_struck = phase == "primary down" and second < 3.5
        took_ms = chance.lognormvariate(2.5, 0.5) * plan.slower * (12 if is_struck else 1)
        is_write = number % 3 > 0
        log.append(
            operation(
                Kind.ADD if is_write else Kind.GET,
                at_ns,
                at_ns + round(took_ms * 1e6),
                Completion.INFO if is_struck and plan.lost and is_write else Completion.OK,
                tokens=[make_token(f"client-{number % 4}-file-{number}", 0, "w")],
                process=f"client-{number % 4}",
                phase=phase,
            )
        )
    log.append(
        FaultWindow(
            index=0,
            fault="kill primary",
            target="primary",
            injected_ns=3 * SECOND,
            effect_observed_ns=3 * SECOND + 5_000_000,
            effect_evidence="connection refused",
            healed_ns=11 * SECOND,
            heal_observed_ns=12 * SECOND,
            heal_evidence="heartbeat 200",
        )
    )


def _verdicts(plan: SavedRunPlan) -> list[Verdict]:
    violations = tuple(
        Violation(
            f"{LOST}{number} was acknowledged, and replica does not have it",
            ("client-1#17: add in primary down, ok, 12 ms, status 201",),
            ("3.10 s client-1 asked to add it", "3.11 s the load balancer answered 201"),
        )
        for number in range(plan.lost)
    )
    outcome = Outcome.FAIL if plan.lost else Outcome.PASS
    lost = {"lost": float(plan.lost), "stale": 0.0}
    converge = {"converge_seconds": 0.4 * plan.slower, "settle_seconds": 0.2, "different": 0.0}
    return [
        Verdict(
            checker="durability", outcome=outcome, examined=120, violations=violations, figures=lost
        ),
        Verdict(checker="convergence", outcome=Outcome.PASS, examined=4, figures=converge),
        Verdict(checker="phantom", outcome=Outcome.PASS, examined=120, figures={"phantom": 0.0}),
    ]

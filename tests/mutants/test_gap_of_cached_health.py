"""The gap of a load balancer that trusts for long is as wide as its trust lasts."""

import shlex
import sys
from pathlib import Path

import pytest

from harness.model.verdict import Outcome
from tests.integration.runner.test_gap import measure

pytestmark = [pytest.mark.real, pytest.mark.alone]

CACHED_HEALTH_LB = Path(__file__).with_name("cached_health_lb.py")
HEALTH_SECONDS = 3.0


def test_the_gap_is_as_wide_as_health_is_cached_and_tells_what_each_kind_of_operation_met(
    tmp_path: Path,
) -> None:
    command = shlex.join([sys.executable, str(CACHED_HEALTH_LB)])
    words = ("--kinds", "kill", "--seconds", "6", "--seed", "7", "--lb-command", command)
    code, report, told = measure(tmp_path / "gap", *words, HEALTH_SECONDS=str(HEALTH_SECONDS))
    assert code == 1, told
    (experiment,) = report.experiments
    profile = experiment.profile
    assert experiment.objections["availability"] is Outcome.FAIL
    # How late the last answer before the kill was, and how late the first look after it.
    assert HEALTH_SECONDS - 1.0 < profile.whole.gap_seconds < HEALTH_SECONDS + 3.0
    for again in (profile.reads, profile.writes):
        assert again.after_seconds is not None
        assert HEALTH_SECONDS - 1.5 < again.after_seconds < HEALTH_SECONDS + 3.0
    rows = {row.kind: row for row in profile.rows}
    assert profile.whole.felt.failed > 20
    assert all(set(row.failures) == {"status 503"} for row in rows.values() if row.failures)
    writes = [row for kind, row in rows.items() if not kind.startswith(("get", "query"))]
    at_first = [row.by_offset[span] for row in writes for span in ("1 s",) if span in row.by_offset]
    assert at_first
    assert all(felt.failed == felt.operations for felt in at_first)

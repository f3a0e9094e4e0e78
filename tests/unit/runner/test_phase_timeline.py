from pathlib import Path

import pytest

from harness.model.history import STEADY_STATE, Header, HistoryWriter, Limits
from harness.runner.phase_timeline import PhaseTimeline


@pytest.mark.parametrize(
    ("moment_ns", "phase"),
    [(9, STEADY_STATE), (10, "baseline"), (19, "baseline"), (20, "down"), (99, "down")],
)
def test_a_moment_belongs_to_the_phase_that_began_last_before_it(
    tmp_path: Path, moment_ns: int, phase: str
) -> None:
    header = Header(scenario="test", seed=1, dimensions=4, prefix="AUTOTEST_", limits=Limits())
    clock = iter((10, 20))
    with HistoryWriter(tmp_path / "history.jsonl", header) as log:
        timeline = PhaseTimeline(log, lambda: next(clock))
        timeline.begin("baseline")
        timeline.begin("down")
        assert timeline.at(moment_ns) == phase
        assert [m.at_ns for m in log.history.milestones] == [10, 20]

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.model.schedule import Schedule, ScheduledFault
from harness.runner.schedules import read_schedule


def test_a_schedule_survives_its_file(tmp_path: Path) -> None:
    fault = ScheduledFault(fault="pause lb", at_seconds=0.5, seconds=2.0)
    schedule = Schedule(seed=3, seconds=9.0, faults=(fault,))
    path = tmp_path / "schedule.json"
    path.write_bytes(msgspec.json.encode(schedule))
    assert read_schedule(path) == schedule


@pytest.mark.parametrize("text", ["", "{", '{"seed": 1}', '{"seed": 1, "seconds": 2, "faults": 3}'])
def test_a_file_that_is_no_schedule_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"schedule\.json is no schedule"):
        read_schedule(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.json is no schedule"):
        read_schedule(tmp_path / "nowhere.json")


def test_a_schedule_of_before_there_were_clients_and_limits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(
        '{"seed": 3, "seconds": 9.0, "faults": '
        '[{"fault": "pause lb", "at_seconds": 0.5, "seconds": 2.0}]}'
    )
    fault = ScheduledFault(fault="pause lb", at_seconds=0.5, seconds=2.0)
    assert read_schedule(path) == Schedule(seed=3, seconds=9.0, faults=(fault,))

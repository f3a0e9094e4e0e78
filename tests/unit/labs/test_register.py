import os
from pathlib import Path

import psutil
import pytest

from harness.errors import UsageError
from harness.keeping.register import LabRecord, LabRegister, ProcessRecord, ServerRecord


def record(name: str = "lab-1", **changes: object) -> LabRecord:
    values = {
        "run_directory": f"/runs/{name}",
        "instance_count": 2,
        "lab": "processes",
        "lb_ready_path": "/ready",
        "created_seconds": 1.0,
    }
    return LabRecord(name, **{**values, **changes})


@pytest.fixture
def register(tmp_path: Path) -> LabRegister:
    return LabRegister(tmp_path)


def test_a_lab_is_found_as_it_was_entered(register: LabRegister) -> None:
    server = ServerRecord("lb", "http://127.0.0.1:1", None, ProcessRecord(1, 2.0))
    entered = record(servers=(server,), startup_seconds={"lb": 0.5})
    register.add(entered)
    assert register.get("lab-1") == entered
    assert register.records() == (entered,)
    assert entered.url("lb") == "http://127.0.0.1:1"


def test_a_name_belongs_to_one_lab_at_a_time(register: LabRegister) -> None:
    register.add(record())
    with pytest.raises(UsageError, match="lab down lab-1"):
        register.add(record())
    register.remove("lab-1")
    register.add(record())


def test_an_update_replaces_the_entry(register: LabRegister) -> None:
    register.add(record())
    register.update(record(instance_count=3))
    assert [found.instance_count for found in register.records()] == [3]


def test_an_unknown_lab_is_answered_by_the_known_ones(register: LabRegister) -> None:
    with pytest.raises(UsageError, match="labs that are: none"):
        register.get("mine")
    register.add(record("lab-1"))
    register.add(record("lab-2"))
    with pytest.raises(UsageError, match="no lab 'mine' is up; labs that are: lab-1, lab-2"):
        register.get("mine")


def test_a_new_name_collides_with_neither_labs_nor_logs(register: LabRegister) -> None:
    assert register.next_name() == "lab-1"
    register.add(record("lab-1"))
    (register.root / "lab-2").mkdir()
    assert register.next_name() == "lab-3"


def test_the_runs_root_is_taken_from_the_environment(tmp_path: Path) -> None:
    assert LabRegister.from_environment({"CHROMA_CHAOS_RUNS": str(tmp_path)}).root == tmp_path
    assert LabRegister.from_environment({}).root == Path.cwd() / ".runs"


def test_a_process_with_another_start_time_is_not_alive() -> None:
    own = ProcessRecord(os.getpid(), psutil.Process().create_time())
    assert own.is_alive()
    assert not ProcessRecord(own.pid, own.started - 60).is_alive()

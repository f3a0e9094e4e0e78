from pathlib import Path

from harness.load.follower import Follower
from harness.model.history import RecordFile
from tests.unit.checkers.histories import history
from tests.unit.load.loads import answers, level


def test_each_look_gives_what_is_new_and_no_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    follower = Follower(path)
    assert follower.new_records() == []
    file = RecordFile(path, history().header)
    file.append(level("1: 1 user", 0))
    assert follower.new_records() == [level("1: 1 user", 0)]
    (first,) = answers("1: 1 user", 0, 1, 10)
    file.append(first)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert follower.new_records() == []
    path.write_bytes(whole)
    assert follower.new_records() == [first]
    assert follower.new_records() == []
    file.close()

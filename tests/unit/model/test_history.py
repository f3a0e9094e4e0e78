from pathlib import Path

import pytest

from harness.model.fault_window import FaultWindow
from harness.model.history import Header, HistoryWriter, Limits, Milestone, read_history
from harness.model.operation import Addressing, Completion, Kind, Operation

HEADER = Header(scenario="test", seed=1, dimensions=4, prefix="AUTOTEST_", limits=Limits())
OPERATION = Operation(
    kind=Kind.ADD,
    addressing=Addressing.IDS,
    collection="AUTOTEST_c",
    ids=("f/0",),
    tokens=("f/0@w",),
    process="client-1",
    number=1,
    phase="baseline",
    completion=Completion.OK,
    intended_ns=1,
    invoked_ns=2,
    completed_ns=3,
    transaction_id="t",
    http_status=201,
)
INJECTED = FaultWindow(index=0, fault="kill primary", target="primary", injected_ns=4)
SEEN = FaultWindow(
    index=0, fault="kill primary", target="primary", injected_ns=4, effect_observed_ns=5
)
MILESTONE = Milestone(name="settled", at_ns=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, HEADER) as log:
        for record in (OPERATION, INJECTED, SEEN, MILESTONE):
            log.append(record)
    return path


def test_what_is_written_is_read_back(path: Path) -> None:
    history = read_history(path)
    assert history.header == HEADER
    assert history.operations == [OPERATION]
    assert history.milestones == [MILESTONE]


def test_the_last_record_of_a_fault_window_counts(path: Path) -> None:
    assert read_history(path).fault_windows == {0: SEEN}


def test_every_record_is_on_disk_before_the_writer_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, HEADER) as log:
        log.append(OPERATION)
        assert read_history(path).operations == [OPERATION]


def test_every_torn_end_leaves_the_whole_lines_readable(path: Path) -> None:
    whole = path.read_bytes()
    last_line = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last_line, len(whole) - 1):
        path.write_bytes(whole[:end])
        history = read_history(path)
        assert history.operations == [OPERATION]
        assert history.milestones == []


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]]))
    with pytest.raises(ValueError, match="line 2 is not a record"):
        read_history(path)


def test_bytes_that_are_no_text_are_named_by_their_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"client-1", b"client\xd5-"))
    with pytest.raises(ValueError, match="line 2 is not a record"):
        read_history(path)


@pytest.mark.parametrize("content", [b"", b"{"])
def test_a_file_without_a_header_is_an_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"holds no record of a run"):
        read_history(path)


def test_a_second_run_never_overwrites_the_first(path: Path) -> None:
    with pytest.raises(FileExistsError):
        HistoryWriter(path, HEADER)

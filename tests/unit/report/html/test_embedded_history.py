"""How the history is packed; that a page gives its bytes back is tested in a browser."""

from hypothesis import given
from hypothesis import strategies as st

from harness.report.html.embedded_history import embed, packed
from harness.report.html.strings import Bytes, Strings, taken_apart
from tests.unit.report.html.long_runs import write_long_run

UUID = "20530394-1e88-4f8a-afe1-0b359007c100"


@given(st.text(alphabet="0129ab/@\u0660", max_size=40))
def test_a_string_is_what_stands_between_its_numbers_and_the_numbers(text: str) -> None:
    literals, numbers = taken_apart(text)
    together = literals[0]
    for number, after in zip(numbers, literals[1:], strict=True):
        together += f"{number}{after}"
    assert together == text
    assert all(number < 10**15 for number in numbers)


def test_a_string_that_is_there_already_takes_no_place() -> None:
    strings = Strings()
    assert [strings.index(text) for text in ("a/1", UUID, "a/2", "a/1", UUID)] == [0, 1, 2, 0, 1]
    streams = strings.streams()
    assert len(streams["strings.uuids"]) == 16
    assert len(streams["strings.frame"]) == 3


def test_numbers_take_a_byte_for_seven_bits() -> None:
    stream = Bytes()
    for number in (0, 127, 128, 300):
        stream.number(number)
    for number in (-1, 1, -64):
        stream.signed(number)
    assert stream.written == bytes([0, 127, 128, 1, 172, 2, 1, 2, 127])


@given(st.binary(max_size=200))
def test_packed_bytes_can_end_no_element(content: bytes) -> None:
    assert not set(packed(content)) & set("<&>\"'\n")


def test_every_line_is_taken_in_and_those_that_no_table_has_stay_text(tmp_path) -> None:
    directory = write_long_run(tmp_path / "run", 400)
    lines = directory.history.read_bytes().count(b"\n")
    history = embed(directory.history)
    rows = sum(table["rows"] for table in history.tables)
    tags = [table["tag"] for table in history.tables]
    assert tags == ["operation", "log-row"]
    # The header, two milestones, the fault, and two observations in each of two seconds.
    assert lines - rows == 8


def test_a_line_that_its_record_would_not_give_again_stays_text(tmp_path) -> None:
    directory = write_long_run(tmp_path / "run", 20)
    spaced = directory.history.read_bytes().replace(b'"type":"operation",', b'"type":"operation", ')
    directory.history.write_bytes(spaced + b'{"type":"operation","torn')
    assert embed(directory.history).tables[0]["rows"] == 0

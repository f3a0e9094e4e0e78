import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from lb.logs import about, formatter, name_transaction, on_behalf_of
from tests.unit.lb.stand_ins import an_entry


class Output:
    """A logger of its own, and what it has written."""

    def __init__(self, *, as_json: bool) -> None:
        self._stream = io.StringIO()
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter(as_json=as_json))
        self.log = logging.getLogger(f"lb.of_the_test.{as_json}")
        self.log.handlers[:] = [handler]
        self.log.propagate = False
        self.log.setLevel("INFO")

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def output() -> Iterator[Output]:
    output = Output(as_json=True)
    yield output
    output.log.handlers.clear()


def test_a_line_of_json_has_time_level_event_and_logger(output: Output) -> None:
    output.log.warning("primary is %s", "DOWN")

    (line,) = output.lines
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "event": "primary is DOWN", "logger": output.log.name}


def test_every_line_about_a_request_names_it_and_no_other_does(output: Output) -> None:
    with on_behalf_of("editor 7"):
        output.log.info("before it is understood")
        name_transaction("t1")
        output.log.info("while it is served")
    output.log.info("afterwards")

    before, during, after = output.lines
    assert (before["session"], "transaction_id" in before) == ("editor 7", False)
    assert (during["session"], during["transaction_id"]) == ("editor 7", "t1")
    assert not {"session", "transaction_id"} & set(after)


def test_a_request_that_fails_leaves_nothing_behind(output: Output) -> None:
    def serve() -> None:
        with on_behalf_of("editor 7"):
            name_transaction("t1")
            int("seven")

    with pytest.raises(ValueError, match="seven"):
        serve()
    output.log.info("afterwards")

    assert "transaction_id" not in output.lines[0]


def test_a_line_about_an_entry_names_its_transaction_whoever_is_being_served(
    output: Output,
) -> None:
    with on_behalf_of("editor 7"):
        name_transaction("another")
        output.log.info("no outcome yet", extra=about(an_entry(4)))

    assert output.lines[0]["transaction_id"] == "t4"


def test_nothing_that_is_logged_breaks_a_line_of_json(output: Output) -> None:
    try:
        int("two\nlines")
    except ValueError:
        output.log.exception('a "quoted"\nevent', extra={"odd": b"\xff", "bad": "\udcff"})

    (line,) = output.lines
    assert line["event"] == 'a "quoted"\nevent'
    assert "Traceback (most recent call last):\n" in line["exception"]
    assert line["bad"] == "\udcff"


def test_text_shows_the_same_for_people() -> None:
    output = Output(as_json=False)
    with on_behalf_of("editor 7"):
        output.log.warning("primary is %s", "DOWN")
    output.log.handlers.clear()

    assert "[warning] primary is DOWN [lb.of_the_test.False] session='editor 7'" in output.text

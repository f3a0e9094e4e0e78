"""How log lines are written: for people or as JSON, each with the request that it is about.

Rooms go on logging through the standard library; what other libraries log looks the same.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars
from structlog.types import EventDict, Processor, WrappedLogger

from lb.model import Entry


def set_up_logs(level: str, *, as_json: bool) -> None:
    """Send all log lines to the standard error, one line each but for tracebacks in text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def formatter(*, as_json: bool) -> logging.Formatter:
    """Return what turns a record into a line: time, level, event, logger, and its fields."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _add_time,
    ]
    finish = _as_json() if as_json else _as_text()
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish)


def _as_json() -> list[Processor]:
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
    ]


def _as_text() -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        pad_level=False,
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]


def _add_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add when the record was made, in UTC to the millisecond."""
    made = datetime.fromtimestamp(event["_record"].created, UTC)
    return {"time": made.isoformat(timespec="milliseconds"), **event}


def about(entry: Entry) -> dict[str, str]:
    """Return the `extra` of a line about an entry: `log.warning("...", extra=about(entry))`."""
    return {"transaction_id": entry.transaction_id, "session": entry.session}


@contextmanager
def on_behalf_of(session: str) -> Iterator[None]:
    """Give every line inside the session of the client, and what `name_transaction` says."""
    bind_contextvars(session=session)
    try:
        yield
    finally:
        unbind_contextvars("session", "transaction_id")


def name_transaction(transaction_id: str) -> None:
    """Give every further line about this request its transaction id."""
    bind_contextvars(transaction_id=transaction_id)

"""How log lines are written: for people or as JSON, each with the request that it is about.

Rooms go on logging through the standard library; what other libraries log looks the same.
"""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from lb.model import Entry

_SERVED: ContextVar[Mapping[str, str]] = ContextVar("served", default=MappingProxyType({}))


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
        _add_served,
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


def _add_served(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add whose request is being served."""
    return {**served(), **event}


def _add_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add when the record was made, in UTC to the millisecond."""
    made = datetime.fromtimestamp(event["_record"].created, UTC)
    return {"time": made.isoformat(timespec="milliseconds"), **event}


def about(entry: Entry) -> dict[str, str]:
    """Return the `extra` of a line about an entry: `log.warning("...", extra=about(entry))`."""
    return {"transaction_id": entry.transaction_id, "session": entry.session}


class on_behalf_of:  # noqa: N801 - it is used as a function
    """Give every line inside the session of the client, and what `name_transaction` says."""

    def __init__(self, session: str) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._token = _SERVED.set({"session": self._session})

    def __exit__(self, *_: object) -> None:
        _SERVED.reset(self._token)


def name_transaction(transaction_id: str) -> None:
    """Give every further line about this request its transaction id."""
    _SERVED.set({**served(), "transaction_id": transaction_id})


def served() -> Mapping[str, str]:
    """Return what lines say of the request that is being served here, if one is."""
    return _SERVED.get()

"""Owns the history inside a page: every line of the file, in a twentieth of its size.

Operations and log entries are many and alike, and are kept column by column: charts read a few of
the columns, and a download rebuilds the very bytes of the file. All other lines are kept as text.
"""

import zlib
from base64 import b85encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from harness.model.observation import LogRow
from harness.model.operation import Operation
from harness.report.html.strings import Bytes, Strings

_KINDS: tuple[type[msgspec.Struct], ...] = (Operation, LogRow)
_AFTER = {"invoked_ns": "intended_ns", "completed_ns": "invoked_ns"}
"""The times that are kept as the difference from another one of the same record."""

_OFTEN_NEW = frozenset({"file", "transaction_id", "logged_at", "settled_at"})
"""The texts that are as good as never the same; all others are a few words, again and again."""

_SAFE = bytes.maketrans(b"<&>", b",.:")
"""In a page nothing that is data may look like an element, or like a reference."""


class Coding(StrEnum):
    """How the values of a column are written."""

    TIME = "time"
    """As a difference in nanoseconds, the first one from the origin of the history."""
    NUMBER = "number"
    """As a difference from the last one; what is not known is -1."""
    FLAG = "flag"
    WORD = "word"
    """As the place among the words of the column."""
    TEXT = "text"
    """As the place in the table of all strings, as a difference from the last one."""
    TEXTS = "texts"
    """As runs of places that follow one another."""


@dataclass
class Column:
    """One field of a kind of record while it grows.

    `default` is what a line leaves out, None where it never does; `after` is the time from which
    this one counts.
    """

    name: str
    coding: Coding
    default: Any
    after: str
    words: dict[str, int] = field(default_factory=dict)
    written: Bytes = field(default_factory=Bytes)
    last: int = 0

    def described(self) -> dict[str, Any]:
        """Say how it is read."""
        return {
            "name": self.name,
            "coding": self.coding,
            "default": self.default,
            "after": self.after,
            "words": list(self.words),
        }


@dataclass(frozen=True)
class EmbeddedHistory:
    """What a page needs: `tables` say how the `streams` are read, which are text by their names."""

    origin_ns: int
    tables: tuple[dict[str, Any], ...]
    streams: dict[str, str]


def embed(path: Path) -> EmbeddedHistory:
    """Take in the file of a history, also one whose last line was torn."""
    embedding = _Embedding()
    with path.open("rb") as lines:
        for line in lines:
            embedding.take(line)
    return embedding.result()


def packed(stream: bytes) -> str:
    """Deflate it, and write it in 85 characters that mean nothing in a page."""
    return b85encode(zlib.compress(stream, 9)).translate(_SAFE).decode()


class _Embedding:
    """Takes the lines one by one; a line that its record would not give again stays text."""

    def __init__(self) -> None:
        self._strings = Strings()
        self._order, self._text = Bytes(), bytearray()
        self._tables = [_TableWriter(kind, self._strings) for kind in _KINDS]
        self._origin_ns: int | None = None

    def take(self, line: bytes) -> None:
        for number, table in enumerate(self._tables, start=1):
            if (record := table.read(line)) is not None:
                if self._origin_ns is None and isinstance(record, Operation):
                    self._origin_ns = record.intended_ns
                table.take(record, self._origin_ns or 0)
                self._order.number(number)
                return
        self._order.number(0)
        self._text += line

    def result(self) -> EmbeddedHistory:
        streams = {"order": bytes(self._order.written), "text": bytes(self._text)}
        for table in self._tables:
            streams |= table.streams()
        streams |= self._strings.streams()
        tables = tuple(table.described() for table in self._tables)
        return EmbeddedHistory(
            self._origin_ns or 0, tables, {name: packed(s) for name, s in streams.items()}
        )


class _TableWriter:
    """The columns of one kind of record while they grow."""

    def __init__(self, kind: type[msgspec.Struct], strings: Strings) -> None:
        self._tag = str(kind.__struct_config__.tag)
        self._beginning = f'{{"type":"{self._tag}",'.encode()
        self._decoder, self._encoder = msgspec.json.Decoder(kind), msgspec.json.Encoder()
        self._strings = strings
        self._columns = tuple(_columns(kind))
        self._last_text = 0
        self._rows = 0

    def read(self, line: bytes) -> msgspec.Struct | None:
        """Read a line as a record that gives the same line again; None when there is none."""
        if not line.startswith(self._beginning):
            return None
        try:
            record = self._decoder.decode(line)
        except msgspec.DecodeError:
            return None
        return record if self._encoder.encode(record) + b"\n" == line else None

    def take(self, record: msgspec.Struct, origin_ns: int) -> None:
        self._rows += 1
        for column in self._columns:
            value = getattr(record, column.name)
            match column.coding:
                case Coding.TIME:
                    if column.after:
                        column.written.signed(value - getattr(record, column.after))
                    else:
                        _difference(column, value - origin_ns)
                case Coding.NUMBER:
                    _difference(column, -1 if value is None else value)
                case Coding.FLAG:
                    column.written.number(value)
                case Coding.WORD:
                    column.written.number(column.words.setdefault(value, len(column.words)))
                case Coding.TEXT:
                    _difference(column, self._strings.index(value))
                case Coding.TEXTS:
                    self._texts(column.written, value)

    def _texts(self, stream: Bytes, texts: Iterable[str]) -> None:
        """Write a list; what one list of a record names is near what the others name."""
        indexes = [self._strings.index(text) for text in texts]
        stream.number(len(indexes))
        for first, length in _runs(indexes):
            away = first - self._last_text - 1
            stream.number((away * 2 if away >= 0 else -away * 2 - 1) * 2 + (length > 1))
            if length > 1:
                stream.number(length)
            self._last_text = first + length - 1

    def streams(self) -> dict[str, bytes]:
        return {f"{self._tag}.{c.name}": bytes(c.written.written) for c in self._columns}

    def described(self) -> dict[str, Any]:
        columns = [column.described() for column in self._columns]
        return {"tag": self._tag, "rows": self._rows, "columns": columns}


def _difference(column: Column, value: int) -> None:
    column.written.signed(value - column.last)
    column.last = value


def _runs(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where each run of neighbours begins, and how long it is."""
    begin = 0
    for at in range(1, len(indexes) + 1):
        if at == len(indexes) or indexes[at] != indexes[at - 1] + 1:
            yield indexes[begin], at - begin
            begin = at


def _columns(kind: type[msgspec.Struct]) -> Iterator[Column]:
    for each in msgspec.structs.fields(kind):
        default = None if each.default is msgspec.NODEFAULT else each.default
        coding = _coding(each.name, each.type)
        if coding is Coding.NUMBER and default is None and each.default is None:
            default = -1
        yield Column(each.name, coding, default, _AFTER.get(each.name, ""))


def _coding(name: str, kind: Any) -> Coding:
    if name.endswith("_ns"):
        return Coding.TIME
    if kind is bool:
        return Coding.FLAG
    if kind in (int, int | None):
        return Coding.NUMBER
    if kind == tuple[str, ...]:
        return Coding.TEXTS
    return Coding.TEXT if name in _OFTEN_NEW else Coding.WORD

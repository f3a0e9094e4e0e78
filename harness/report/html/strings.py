"""Owns the table of all strings of a history: each once, in the order of first appearance.

Names in a history are counted up: `client-3-file-17/4` follows `client-3-file-17/3`. So a string is
kept as its **frame**, which is what stands between its numbers, and the differences of its numbers
from those of the last string in the same frame: nearly always zeros and ones.
"""

import re
import uuid

import msgspec

_RUN = re.compile(r"([0-9]+)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_DIGITS = 15
"""More digits are no exact number for a browser; a longer run of digits is several numbers."""


class Bytes:
    """A stream of whole numbers, small ones in one byte (LEB128, signed ones zigzag)."""

    def __init__(self) -> None:
        self.written = bytearray()

    def number(self, value: int) -> None:
        """Write a number that is not negative."""
        while value > 127:
            self.written.append(value & 127 | 128)
            value >>= 7
        self.written.append(value)

    def signed(self, value: int) -> None:
        """Write any number."""
        self.number(value * 2 if value >= 0 else -value * 2 - 1)


class Strings:
    """The table while it grows; `streams` are what a page rebuilds it from.

    Frame 0 is that of a UUID, which is kept in 16 bytes.
    """

    def __init__(self) -> None:
        self._indexes: dict[str, int] = {}
        self._frames: dict[tuple[str, ...], int] = {(): 0}
        self._last: list[list[int]] = [[]]
        self._uuids = bytearray()
        self._used, self._numbers = Bytes(), Bytes()

    def index(self, text: str) -> int:
        """Return the place of a string, which it gets when it is new."""
        found = self._indexes.get(text)
        if found is not None:
            return found
        self._indexes[text] = len(self._indexes)
        self._add(text)
        return len(self._indexes) - 1

    def _add(self, text: str) -> None:
        if _UUID.fullmatch(text):
            self._used.number(0)
            self._uuids += uuid.UUID(text).bytes
            return
        literals, numbers = taken_apart(text)
        frame = self._frames.setdefault(literals, len(self._frames))
        if frame == len(self._last):
            self._last.append([0] * len(numbers))
        self._used.number(frame)
        for number, last in zip(numbers, self._last[frame], strict=True):
            self._numbers.signed(number - last)
        self._last[frame] = numbers

    def streams(self) -> dict[str, bytes]:
        """Give the frames as JSON, the frame of each string, the numbers in it, and the UUIDs."""
        return {
            "strings.frames": msgspec.json.encode(list(self._frames)),
            "strings.frame": bytes(self._used.written),
            "strings.numbers": bytes(self._numbers.written),
            "strings.uuids": bytes(self._uuids),
        }


def taken_apart(text: str) -> tuple[tuple[str, ...], list[int]]:
    """Split a string into what stands between its numbers, and the numbers.

    Leading zeros belong to what stands before: `a/007` is `a/00` and 7.
    """
    parts = _RUN.split(text)
    literals, numbers = [parts[0]], list[int]()
    for digits, after in zip(parts[1::2], parts[2::2], strict=True):
        if len(digits) <= _DIGITS and (digits[0] != "0" or len(digits) == 1):
            numbers.append(int(digits))
            literals.append(after)
            continue
        for at in range(0, len(digits), _DIGITS):
            piece = digits[at : at + _DIGITS]
            significant = piece.lstrip("0") or "0"
            literals[-1] += piece[: len(piece) - len(significant)]
            numbers.append(int(significant))
            literals.append("")
        literals[-1] += after
    return tuple(literals), numbers

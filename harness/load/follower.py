"""Owns the reading of a history that somebody else is still writing. Decides nothing."""

from pathlib import Path

import msgspec

from harness.model.history import Event, Header, Record


class Follower:
    """Reads what was added since it last looked, whole lines only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._decoder = msgspec.json.Decoder(Record)

    def new_records(self) -> list[Event]:
        """Give the new records, without the header; none before the file is there."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        records = [self._decoder.decode(line) for line in whole.splitlines()]
        return [record for record in records if not isinstance(record, Header)]

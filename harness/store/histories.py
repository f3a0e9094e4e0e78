"""Owns the histories that pages look into: read once, and again when their files have changed."""

import threading
from collections import OrderedDict

from harness.model.history import History, read_history
from harness.runner.run_directory import RunDirectory

_MOST = 4
_MOST_BYTES = 256 * 1024 * 1024


class Histories:
    """Keeps the last few, up to so many bytes: a history of a long run takes a second to read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], History] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, directory: RunDirectory) -> History:
        """Read one; raises `OSError` or `ValueError` for one that is not there, or torn."""
        status = directory.history.stat()
        key = str(directory.history), status.st_mtime_ns, status.st_size
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read_history(directory.history)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._is_too_much():
                self._kept.popitem(last=False)
            return self._kept[key]

    def _is_too_much(self) -> bool:
        return len(self._kept) > _MOST or sum(size for *_, size in self._kept) > _MOST_BYTES

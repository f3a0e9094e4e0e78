"""Owns the timing gaps that were measured: which there are, and two of them with their plot."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.model.gap import GapReport
from harness.report.gap_plot import draw
from harness.runner.gap_store import REPORT, find_gaps
from harness.runner.run_directory import read_json
from harness.runner.run_store import RunStore

_MOST_PLOTS = 8


@dataclass(frozen=True)
class GapEntry:
    """One measurement; without a report, `trouble` says why."""

    name: str
    report: GapReport | None
    trouble: str = ""


class GapReports:
    """The measurements under `root`; plots are kept, because one takes a second to draw."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._plots: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        # Matplotlib draws one figure at a time.
        self._drawing = threading.Lock()

    def entries(self) -> list[GapEntry]:
        """Find all, the newest first."""
        return [self._entry(name) for name in sorted(self._names(), reverse=True)]

    def report(self, name: str) -> GapReport:
        """Read one; raises `RunDirectoryError` for one that is not there, or torn."""
        if name not in self._names():
            raise RunDirectoryError(f"there is no measured gap {name!r} in {self._root}")
        return read_json(self._root / name / REPORT, GapReport, "measured gap")

    def plot(self, names: Sequence[str]) -> bytes:
        """Draw one measurement, or two beside one another, from their runs."""
        # Whatever has no report is refused here: below, a name may also be a path.
        for name in names:
            self.report(name)
        stamps = ((self._root / name / REPORT).stat().st_mtime_ns for name in names)
        key = (*names, *stamps)
        with self._drawing:
            if key not in self._plots:
                measured = [find_gaps(RunStore(self._root), name) for name in names]
                target = BytesIO()
                draw([(each.report, each.points) for each in measured], target)
                self._plots[key] = target.getvalue()
            self._plots.move_to_end(key)
            while len(self._plots) > _MOST_PLOTS:
                self._plots.popitem(last=False)
            return self._plots[key]

    def _names(self) -> list[str]:
        return [path.parent.name for path in self._root.glob(f"*/{REPORT}")]

    def _entry(self, name: str) -> GapEntry:
        try:
            return GapEntry(name, self.report(name))
        except RunDirectoryError as error:
            return GapEntry(name, None, str(error))

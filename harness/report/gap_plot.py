"""Draws timing gaps: a panel for each kind of failure, every operation a point. Measures nothing.

Matplotlib is imported when something is drawn: it takes longer than most commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.model.gap import SIDES, GapPoint, GapProfile, GapReport, kinds_in

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

Points = Mapping[str, Sequence[GapPoint]]
"""The operations of each kind of failure."""

_PANEL_INCHES = (5.6, 2.7)
_MARGIN_INCHES = 0.3
_POINTS_DPI = 120
# Colours that colour-blind people can tell apart (Okabe and Ito).
_READ, _WRITE, _FAILED, _GAP = "#0072B2", "#E69F00", "#D62728", "#CC79A7"
# What is quicker or slower is drawn at the edge.
_LEAST_SECONDS, _MOST_SECONDS = 0.002, 40.0


@dataclass(frozen=True)
class _Panel:
    """One kind of failure at one load balancer."""

    title: str
    profile: GapProfile
    points: Sequence[GapPoint]


def draw(measured: Sequence[tuple[GapReport, Points]], target: Path | IO[bytes]) -> None:
    """Write an SVG: for one report a panel for each kind of failure, for two a column for each.

    The same points give the same file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    grid = _grid(measured)
    width, height = _PANEL_INCHES
    width, height = width * len(grid[0]), height * len(grid) + _MARGIN_INCHES * (len(measured) + 1)
    with mpl.rc_context({"svg.hashsalt": "gap", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = pyplot.subplots(
            len(grid),
            len(grid[0]),
            figsize=(width, height),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for row, panels in zip(axes, grid, strict=True):
            for each, panel in zip(row, panels, strict=True):
                _draw_panel(each, panel)
        handles = _legend()
        figure.legend(
            handles=handles, loc="outside lower center", ncols=len(handles), frameon=False
        )
        figure.suptitle(_title([report for report, _ in measured]), fontsize=9)
        figure.savefig(target, format="svg", dpi=_POINTS_DPI, metadata={"Date": None})
        pyplot.close(figure)


def _title(reports: Sequence[GapReport]) -> str:
    if len(reports) == 1:
        return reports[0].title
    return "\n".join(f"{side}: {r.title}" for side, r in zip(SIDES, reports, strict=True))


def _grid(measured: Sequence[tuple[GapReport, Points]]) -> list[list[_Panel | None]]:
    """Arrange the panels in rows; None where one run lacks a kind of failure, or to fill a row."""
    panels: list[list[_Panel | None]] = [
        [
            _panel(report, points, kind, f"{kind}, {side}" if len(measured) > 1 else kind)
            for side, (report, points) in zip(SIDES, measured, strict=False)
        ]
        for kind in kinds_in(report for report, _ in measured)
    ]
    if len(measured) > 1 or len(panels) == 1:
        return panels
    ones = [panel for (panel,) in panels]
    ones += [None] * (len(ones) % 2)
    return [ones[n : n + 2] for n in range(0, len(ones), 2)]


def _panel(report: GapReport, points: Points, kind: str, title: str) -> _Panel | None:
    experiment = report.of_kind(kind)
    return _Panel(title, experiment.profile, points[kind]) if experiment else None


def _draw_panel(axes: Axes, panel: _Panel | None) -> None:
    if panel is None:
        axes.set_axis_off()
        return
    profile, points = panel.profile, panel.points
    for is_write, colour, marker in ((True, _WRITE, "s"), (False, _READ, "o")):
        _scatter(
            axes, [p for p in points if p.is_write == is_write and not p.is_failed], colour, marker
        )
    _scatter(axes, [p for p in points if p.is_failed], _FAILED, "x")
    if profile.whole.gap_seconds:
        axes.axvspan(0, profile.whole.gap_seconds, color=_GAP, alpha=0.18, linewidth=0)
    for moment in (0.0, profile.lasted_seconds):
        axes.axvline(moment, color="black", linewidth=0.8)
    axes.axhline(profile.hurt_seconds, color="black", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(_LEAST_SECONDS, _MOST_SECONDS)
    axes.set_yticks([0.01, 0.1, 1, 10], ["10 ms", "0.1 s", "1 s", "10 s"])
    axes.minorticks_off()
    axes.set_title(
        f"{panel.title}: {profile.whole.felt.failed} of {profile.whole.felt.operations} failed, "
        f"gap {profile.whole.gap_seconds:.1f} s",
        fontsize=9,
    )
    axes.set_xlabel("seconds after the injection")
    axes.set_ylabel("latency")
    axes.tick_params(labelbottom=True, labelleft=True)
    axes.grid(visible=True, alpha=0.3)


def _scatter(axes: Axes, points: Sequence[GapPoint], colour: str, marker: str) -> None:
    axes.scatter(
        [p.offset_seconds for p in points],
        [min(max(p.latency_seconds, _LEAST_SECONDS), _MOST_SECONDS) for p in points],
        s=14 if marker == "x" else 7,
        c=colour,
        marker=marker,
        linewidths=0.9 if marker == "x" else 0,
        # Thousands of points as shapes would make a file of megabytes.
        rasterized=True,
    )


def _legend() -> list[Artist]:
    """Make the legend of the whole figure from empty lines."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=_READ, marker="o", markersize=4, linestyle="", label="read"),
        Line2D([], [], color=_WRITE, marker="s", markersize=4, linestyle="", label="write"),
        Line2D([], [], color=_FAILED, marker="x", markersize=5, linestyle="", label="failed"),
        Patch(color=_GAP, alpha=0.18, label="gap"),
        Line2D([], [], color="black", linewidth=0.8, label="injected, healed"),
        Line2D([], [], color="black", linewidth=0.8, linestyle=":", label="longer hurts"),
    ]

"""Draws timing gaps: a panel for each kind of failure, every operation a point. Measures nothing.

Matplotlib is imported when something is drawn: it takes longer than most commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.model.gap import GapExperiment, GapPoint

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

Panels = Mapping[str, tuple[GapExperiment, Sequence[GapPoint]]]
"""What was measured for each kind of failure."""

_PANEL_INCHES = (5.6, 2.7)
# Colours that colour-blind people can tell apart (Okabe and Ito).
_READ, _WRITE, _FAILED, _GAP = "#0072B2", "#E69F00", "#D62728", "#CC79A7"
_LEAST_SECONDS = 0.002


def draw(columns: Mapping[str, Panels], path: Path) -> None:
    """Write an SVG with a row for each kind of failure and a column for each run.

    One run alone fills two columns. The same points give the same file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    grid = _grid(columns)
    width, height = _PANEL_INCHES
    with mpl.rc_context({"svg.hashsalt": "gap", "font.size": 9}):
        size = (width * len(grid[0]), height * len(grid) + 0.5)
        figure, axes = pyplot.subplots(
            len(grid), len(grid[0]), figsize=size, sharex=True, sharey=True, squeeze=False
        )
        for row, panels in zip(axes, grid, strict=True):
            for each, (title, panel) in zip(row, panels, strict=True):
                _draw_panel(each, title, panel)
        handles = _legend()
        figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
        figure.tight_layout(rect=(0, 0.35 / size[1], 1, 1))
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


Panel = tuple[str, tuple[GapExperiment, Sequence[GapPoint]] | None]


def _grid(columns: Mapping[str, Panels]) -> list[list[Panel]]:
    """Arrange titles and panels in rows; an empty panel where a run lacks a kind of failure."""
    kinds = list(dict.fromkeys(kind for panels in columns.values() for kind in panels))
    if len(columns) > 1:
        return [
            [(f"{kind}, {name}", panels.get(kind)) for name, panels in columns.items()]
            for kind in kinds
        ]
    ((_, panels),) = columns.items()
    cells: list[Panel] = [(kind, panels[kind]) for kind in kinds]
    if len(cells) > 1 and len(cells) % 2:
        cells.append(("", None))
    return [cells[n : n + 2] for n in range(0, len(cells), 2)]


def _draw_panel(
    axes: Axes, title: str, panel: tuple[GapExperiment, Sequence[GapPoint]] | None
) -> None:
    if panel is None:
        axes.set_axis_off()
        return
    experiment, points = panel
    profile = experiment.profile
    for is_write, colour, marker in ((False, _READ, "o"), (True, _WRITE, "s")):
        _scatter(
            axes, [p for p in points if p.is_write == is_write and not p.is_failed], colour, marker
        )
    _scatter(axes, [p for p in points if p.is_failed], _FAILED, "x")
    if profile.gap_seconds:
        axes.axvspan(0, profile.gap_seconds, color=_GAP, alpha=0.18, linewidth=0)
    for moment in (0.0, profile.lasted_seconds):
        axes.axvline(moment, color="black", linewidth=0.8)
    axes.axhline(profile.hurt_seconds, color="black", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_yticks([0.01, 0.1, 1, 10], ["10 ms", "0.1 s", "1 s", "10 s"])
    axes.minorticks_off()
    axes.set_title(
        f"{title}: {profile.felt.failed} of {profile.felt.operations} failed, "
        f"gap {profile.gap_seconds:.1f} s",
        fontsize=9,
    )
    axes.set_xlabel("seconds after the injection")
    axes.set_ylabel("latency")
    axes.tick_params(labelbottom=True, labelleft=True)
    axes.grid(visible=True, alpha=0.3)


def _scatter(axes: Axes, points: Sequence[GapPoint], colour: str, marker: str) -> None:
    axes.scatter(
        [p.offset_seconds for p in points],
        [max(p.latency_seconds, _LEAST_SECONDS) for p in points],
        s=14 if marker == "x" else 7,
        c=colour,
        marker=marker,
        linewidths=0.9 if marker == "x" else 0,
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

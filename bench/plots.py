"""Draws the measured curves, one file for each subject matter. Measures nothing."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from bench.curves import Curve

_PANEL_INCHES = (5.0, 3.4)
# Colours that colour-blind people can tell apart (Okabe and Ito).
_COLOURS = ("#0072B2", "#D55E00", "#009E73")
_MARKERS = ("o", "s", "^")


def draw(curves: Sequence[Curve], directory: Path) -> list[Path]:
    """Write `<plot>.svg` for every plot, its panels side by side; return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(curve.plot for curve in curves))
    return [
        _draw_plot([each for each in curves if each.plot == name], directory / f"{name}.svg")
        for name in names
    ]


def _draw_plot(panels: Sequence[Curve], path: Path) -> Path:
    width, height = _PANEL_INCHES
    # The same points give the same file.
    with mpl.rc_context({"svg.hashsalt": path.stem, "font.size": 9}):
        figure, found = pyplot.subplots(
            1, len(panels), figsize=(width * len(panels), height), squeeze=False
        )
        for axes, curve in zip(found[0], panels, strict=True):
            _draw_panel(axes, curve)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return path


def _draw_panel(axes: Axes, curve: Curve) -> None:
    for series, colour, marker in zip(curve.series, _COLOURS, _MARKERS, strict=False):
        xs = [x for x, _ in series.points]
        ys = [y for _, y in series.points]
        axes.plot(xs, ys, color=colour, marker=marker, markersize=4, label=series.label)
    points = sorted({x for series in curve.series for x, _ in series.points})
    if points and points[-1] >= 8 * points[0]:
        axes.set_xscale("log", base=2)
    axes.set_xticks(points, [f"{x:,.0f}" for x in points])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_title(curve.title, fontsize=9)
    axes.set_xlabel(curve.x)
    axes.set_ylabel(curve.y)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)

"""Owns the plotting library of pages: uPlot as it was published, so that no page needs a network.

uPlot is small (51 KB) and draws on a canvas, so that 100,000 points stay fluent; its axes, zoom and
cursors can be shared by all charts of a page. It is MIT licensed: see `vendor/uplot/LICENSE`.
To update it: take the files of `npm pack uplot@VERSION` from `package/dist`, and change the below.
"""

from importlib.resources import files

VERSION = "1.6.32"
SCRIPT, STYLE, LICENSE = "uPlot.iife.min.js", "uPlot.min.css", "LICENSE"
SHA256 = {
    SCRIPT: "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    STYLE: "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    LICENSE: "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""What each file hashes to, as it was published."""


def vendored(name: str) -> str:
    """Read one of the files: `SCRIPT` defines the global `uPlot`, `STYLE` is for its elements."""
    return (files("harness.report") / "vendor" / "uplot" / name).read_text()

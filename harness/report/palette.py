"""Owns the colours that the harness's pages share: of the ground, of text, of good and of bad.

The load balancer's live page has the same ones in a file of its own: neither half depends on the
other.
"""

from importlib.resources import files

NAME = "palette.css"


def palette() -> str:
    """Read the style sheet that defines them, for a light and for a dark screen."""
    return (files("harness.report") / NAME).read_text()

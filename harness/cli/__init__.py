"""The command line `chroma-chaos`: options in, plain text and an exit code out."""

from harness.cli.main import main

__all__ = ["main"]

"""The command behind `make reference`."""

from pathlib import Path

from docs.handbook.reference import write_reference

if __name__ == "__main__":
    write_reference(Path.cwd())

"""Which programs a document calls."""

from pathlib import Path

from docs.handbook.command_lines import CommandLine, command_lines, split
from docs.handbook.pages import parse_page


def test_a_command_is_taken_apart() -> None:
    command = """PORT=8000 .venv/bin/chroma-chaos run --fault "kill primary" \\
  --seconds 8 && make all | tail -1 > all.txt   # why"""
    assert list(split(command)) == [
        CommandLine("chroma-chaos", ("run", "--fault", "kill primary", "--seconds", "8")),
        CommandLine("make", ("all",)),
        CommandLine("tail", ("-1",)),
    ]


def test_an_assignment_alone_calls_nothing() -> None:
    assert list(split("LB=http://127.0.0.1:8000")) == []


def test_blocks_and_sentences_name_commands() -> None:
    text = """Say `make all`, or `chroma-chaos`; `chroma-chaos[lb]`, `x` and `global` are none.

```sh not-run: an example
pytest scenarios
```

```
make nothing
```
"""
    assert list(command_lines(parse_page(Path("page.md"), text))) == [
        CommandLine("pytest", ("scenarios",)),
        CommandLine("make", ("all",), is_whole=False),
        CommandLine("chroma-chaos", (), is_whole=False),
    ]

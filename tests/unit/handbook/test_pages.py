"""What is found in a document."""

from pathlib import Path

from docs.handbook.pages import Fence, parse_page

TEXT = """# One thing

See [that](other.md#its-part) and ![a plot](img/plot.svg), or `make all`.

## `code`, and more: a table

| a | b |
|---|---|
| `x` | [y](../README.md) |

```console run
$ make all
```
"""


def test_a_page_is_taken_apart() -> None:
    page = parse_page(Path("page.md"), TEXT)
    assert page.fences == (Fence("console run", "$ make all\n", line=11),)
    assert page.fences[0].language == "console"
    assert page.links == ("other.md#its-part", "img/plot.svg", "../README.md")
    assert page.code == ("make all", "code", "x")
    assert page.anchors == {"one-thing", "code-and-more-a-table"}


def test_what_stands_in_a_block_is_no_link() -> None:
    assert parse_page(Path("page.md"), "```\n[no](link.md)\n```\n").links == ()

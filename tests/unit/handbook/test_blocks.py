"""What command blocks say, and what counts as printing what is shown."""

import pytest

from docs.handbook.blocks import Block, BlockError, Step, is_as_shown, parse_block
from docs.handbook.pages import Fence


def block(info: str, text: str) -> Block | None:
    return parse_block(Fence(info, text, line=3))


def test_commands_follow_the_prompt_and_what_they_print_follows_them() -> None:
    read = block(
        "console run", "$ one\nfirst\nsecond\n$ two\n$ three \\\n  more \\\n  yet\nthird\n"
    )
    assert read == Block(
        3,
        (
            Step("one", "first\nsecond"),
            Step("two", ""),
            Step("three \\\n  more \\\n  yet", "third"),
        ),
    )


def test_every_line_of_a_script_is_a_command() -> None:
    read = block("sh run", "# a comment\none   # why\n\ntwo \\\n  more\n")
    assert read == Block(3, (Step("one   # why", None), Step("two \\\n  more", None)))


def test_the_exit_code_is_that_of_the_last_command() -> None:
    read = block("console run exit=1 seconds=7.5 numbers=any", "$ one\n$ two\n")
    assert read == Block(
        3, (Step("one", ""), Step("two", "", exit_code=1)), seconds=7.5, any_numbers=True
    )


def test_what_is_not_run_says_why() -> None:
    read = block("sh not-run: takes an hour", "make all\n")
    assert read == Block(3, (Step("make all", None),), why_not="takes an hour")


@pytest.mark.parametrize("info", ["", "python", "json", "{toctree}", "text run"])
def test_other_blocks_hold_no_commands(info: str) -> None:
    assert block(info, "$ one\n") is None


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ("console", "$ one\n"),
        ("sh", "one\n"),
        ("sh not-run:", "one\n"),
        ("sh runs", "one\n"),
        ("console run fast=yes", "$ one\n"),
        ("console run", "no prompt\n"),
    ],
)
def test_a_block_of_commands_must_say_what_becomes_of_it(info: str, text: str) -> None:
    with pytest.raises(BlockError, match="line 3"):
        block(info, text)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one\ntwo", "one\ntwo\n"),
        ("one  ", "\none\n\n"),
        ("a ... z", "a b c z"),
        ("first\n...\nlast", "first\n1\n2\nlast"),
        ("first\n...\nlast", "first\nlast"),
        ("...\nb\nc\n...\nd", "b\na\nb\nc\nd\nd"),
        ("...", ""),
    ],
)
def test_printed_as_shown(shown: str, printed: str) -> None:
    assert is_as_shown(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one\ntwo", "one two"),
        ("one", "one\nand more"),
        ("12 s", "13 s"),
        ("", "something"),
        ("a ... z", "a b c"),
        ("a ... z", "a\nz"),
        ("first\n...\nlast", "first\n1\nlast\n2"),
        ("...\nb\n...\nb", "b"),
        ("a\n...\nc\n...\nb\n...", "a\nb\nc"),
        ("...\nlast", "first\nat last"),
    ],
)
def test_not_printed_as_shown(shown: str, printed: str) -> None:
    assert not is_as_shown(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("lost 0 of 1,636 after 0.187 s", "lost 0 of 12 after 11 s", True),
        ("  p50    8.3   12", " p50 18.3 2", True),
        (
            "id 0f3c2a61-7a44-4c88-b3f5-000000000001 at 127.0.0.1:48597",
            "id aaaaaaaa-7a44-4c88-b3f5-000000000001 at 127.0.0.1:50001",
            True,
        ),
        ("lost 0", "lost 1", False),
        ("lost 1", "lost 0", False),
        ("verdict pass 7", "verdict fail 7", False),
    ],
)
def test_where_any_number_will_do_none_is_not_some(shown: str, printed: str, same: bool) -> None:
    assert is_as_shown(shown, printed, any_numbers=True) is same

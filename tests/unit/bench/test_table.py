"""What is shown: ratios first, no miss hidden."""

import io

from rich.console import Console

from bench import table
from bench.figure import Better, Figure
from bench.results import Loss

FIGURES = [
    Figure("add_rate", 900.0, "1/s", None, Better.HIGHER, "c", (800.0, 950.0), 3),
    Figure("lag", 60.0, "ms", 50.0, Better.LOWER, "c", note="read from PostgreSQL"),
    Figure("add_ratio", 2.5, "x", 3.0, Better.HIGHER, "c", (2.0, 3.0), 3),
    Figure("proxy_ratio", None, "x", 0.3, Better.HIGHER, "c", note="nginx was not found"),
]


def shown(call, *arguments, **options):
    text = io.StringIO()
    call(Console(file=text, width=120), *arguments, **options)
    return text.getvalue()


def test_ratios_come_first_then_what_has_a_target_then_the_rest():
    named = [[each.name for each in part] for _, part in table.parts(FIGURES)]
    assert named == [["add_ratio", "proxy_ratio"], ["lag"], ["add_rate"]]


def test_the_table_shows_misses_what_was_skipped_and_why():
    text = shown(table.show, FIGURES, {"cores": "2"})
    assert text.count("missed") == 2
    assert "skipped" in text
    assert "nginx was not found" in text
    assert "cores: 2" in text


def test_markdown_has_every_figure_with_its_target_and_verdict():
    lines = table.markdown(FIGURES, {"cores": "2"}).splitlines()
    assert "| add_ratio | 2.5 x | 2 to 3 | >= 3 | missed |" in lines
    assert "| lag | 60 ms |  | <= 50 | missed |" in lines
    assert "| proxy_ratio | - |  | >= 0.3 | skipped |" in lines
    assert "- cores: 2" in lines


def test_losses_are_shown_with_both_values():
    text = shown(table.show_losses, [Loss("add_rate", 100.0, 80.0)], has_committed=True)
    assert "add_rate was 100, is 80 (20% worse)" in text


def test_it_is_said_when_there_is_nothing_to_compare_with():
    assert "no committed results" in shown(table.show_losses, [], has_committed=False)
    assert "no figure is more than 15 % worse" in shown(table.show_losses, [], has_committed=True)

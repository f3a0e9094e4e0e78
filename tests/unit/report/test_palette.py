"""The colours of all pages come from one place, but for the load balancer's, which are the same."""

import re
from pathlib import Path

import pytest

from harness.report.palette import palette

PROJECT = Path(__file__).parents[3]


def colours(style: str) -> list[tuple[str, str]]:
    """Give each colour with its value: first those of a light screen, then those of a dark one."""
    return re.findall(r"--([\w-]+): ([^;]+);", style)


def test_every_colour_has_a_value_for_a_light_and_for_a_dark_screen() -> None:
    names = [name for name, _ in colours(palette())]
    assert len(names) == 24
    assert names[:12] == names[12:]


@pytest.mark.parametrize(
    "page", ["harness/report/html/page/report.css", "harness/store/static/store.css"]
)
def test_no_page_of_the_harness_has_one_of_them_again(page: str) -> None:
    own = {name for name, _ in colours((PROJECT / page).read_text())}
    assert own
    assert not own & dict(colours(palette())).keys()


def test_the_live_page_of_the_load_balancer_has_the_same_ones() -> None:
    assert set(colours(palette())) <= set(colours((PROJECT / "lb/page/page.css").read_text()))

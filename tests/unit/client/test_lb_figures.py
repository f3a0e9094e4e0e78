from typing import Any

import pytest

from harness.client.lb_figures import pending_entries, pending_in
from tests.unit.client.scripted_server import answer, serving


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        ({"pending_entries": {"primary": 2, "replica": 1}}, 3),
        ({"pending_entries": 0}, 0),
        ({"pending_entries": {}}, None),
        ({"pending_entries": "many"}, None),
        ({"pending_entries": {"primary": None}}, None),
        ({}, None),
        ([], None),
    ],
)
def test_pending_entries_are_added_up_or_unknown(status: Any, pending: int | None) -> None:
    assert pending_in(status) == pending


@pytest.mark.parametrize("scripted", [answer(404, b"{}"), answer(200, b"<html>"), b""])
async def test_an_lb_that_does_not_say_is_unknown(scripted: bytes) -> None:
    async with serving(scripted) as server:
        assert await pending_entries(server.url) is None

"""On which event loops the tests of connections run."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

PLAIN: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
BOTH = PLAIN | {"uvloop": uvloop.new_event_loop}
"""uvloop is the one in use, and tells connections some things otherwise."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return BOTH if item.path.name.startswith(("test_http_", "test_front")) else PLAIN

"""Servers and settings of the property tests."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.properties.sides import Worlds

LONG_EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
"""How many examples each machine runs in a hunt; without it, the same few every time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)
            if LONG_EXAMPLES:
                item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    numbers = count()
    worlds = Worlds(lambda: tmp_path_factory.mktemp(f"world-{next(numbers)}"))
    yield worlds
    worlds.close()


def profile(examples: int, steps: int) -> settings:
    """Return settings that repeat exactly; in a hunt, ones with a fresh and printed seed."""
    is_hunt = bool(LONG_EXAMPLES)
    return settings(
        max_examples=LONG_EXAMPLES or examples,
        stateful_step_count=steps,
        derandomize=not is_hunt,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

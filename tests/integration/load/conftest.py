"""One small lab for all loads: each has a seed, and so collections, of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from harness.labs.processes import ProcessLab, ProcessLabSettings


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLab]:
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab") / "run"))
    asyncio.run(lab.start())
    yield lab
    asyncio.run(lab.stop())

"""A run store that is served as the command serves it, over runs that were saved here."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from harness.store.app import Server
from tests.saved_runs import SavedRunPlan, save_gaps, save_matrix, save_run

GAPS = ("20260301T120000-gap-7", "20260302T120000-gap-7")
MATRIX = "20260303T120000-mutants"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    root.mkdir()
    save_run(root, SavedRunPlan(day=1))
    save_run(root, SavedRunPlan(day=2, lost=7, slower=2.0))
    save_run(root, SavedRunPlan("normal", day=3, is_judged=False))
    save_gaps(root, GAPS[0])
    save_gaps(root, GAPS[1], "python -m my_lb", slower=3.0)
    save_matrix(root, MATRIX)
    return root


@pytest_asyncio.fixture
async def pages(root: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        Server(root, "127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client,
    ):
        yield client

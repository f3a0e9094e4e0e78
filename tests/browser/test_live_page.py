"""The live page in a real browser, while servers fail and come back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.browser.watched import DESK, PHONE, Watched
from tests.integration.lb.calls import add, create, eventually, ids_in, is_quiet
from tests.integration.lb.movable_log import Log, is_refused, lb_on

# What the browser itself says when the load balancer is killed.
NETWORK_ERROR = "Failed to load resource"


@dataclass
class WatchedPage(Watched):
    """The live page."""

    async def sees_state(self, instance: str, state: str) -> None:
        """Wait until an instance is shown in a state."""
        await self.sees(state_of(instance), lambda text: text == state, f"{instance} is {state}")

    async def sees_contact(self, words: str, timeout_seconds: float = 30) -> None:
        """Wait until the page says so of its contact."""
        await self.sees("#contact", lambda text: text.startswith(words), words, timeout_seconds)


def state_of(instance: str) -> str:
    """Select the badge with an instance's state."""
    return f"[data-instance={instance}] .state"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessLab]:
    lab = ProcessLab(ProcessLabSettings(tmp_path_factory.mktemp("lab")))
    await lab.start()
    try:
        yield lab
    finally:
        await lab.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def lb(lab: ProcessLab) -> AsyncIterator[httpx.AsyncClient]:
    """A client; every test begins with servers that are alive and well."""
    for target in lab.targets:
        if not lab.is_alive(target):
            await lab.restart(target)
    async with httpx.AsyncClient(base_url=lab.lb_url, timeout=30) as client:
        await eventually(lambda: is_quiet(client), "every instance is healthy and caught up")
        yield client


@asynccontextmanager
async def opened(
    browser: Browser, lab: ProcessLab, size: tuple[int, int] = DESK, url: str = ""
) -> AsyncIterator[WatchedPage]:
    """Open the page, of the lab's load balancer or of one at a URL, and wait until it shows."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    try:
        watched = WatchedPage(await context.new_page())
        await watched.page.goto(url or f"{lab.lb_url}/")
        await watched.page.wait_for_selector("[data-instance=replica] .state")
        yield watched
    finally:
        await context.close()


@asynccontextmanager
async def clients_at_work(lb: httpx.AsyncClient, name: str) -> AsyncIterator[None]:
    """Write and read a little all the while; any failure fails the test."""
    await create(lb, name)
    stop = asyncio.Event()

    async def work(worker: int) -> None:
        for number in count():
            if stop.is_set():
                return
            response = await add(lb, name, f"w{worker}-{number}")
            assert response.status_code == 201, response.text
            await ids_in(lb, name)

    workers = [asyncio.create_task(work(n), name=f"worker {n}") for n in range(2)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*workers)


async def test_a_killed_instance_is_shown_within_a_second_and_again_when_it_is_back(
    browser: Browser, lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    async with opened(browser, lab) as watched, clients_at_work(lb, "watched"):
        assert await watched.text(state_of("primary")) == "UP"
        killed_at = time.monotonic()
        await lab.kill("primary")
        await watched.sees(state_of("primary"), lambda text: text != "UP", "primary is not up")
        assert time.monotonic() - killed_at < 1
        await watched.sees_state("primary", "DOWN")
        assert await watched.text(state_of("replica")) == "UP"
        assert "1 of 2 up" in await watched.text("#verdict")
        assert "primary" in await watched.text("#transitions li:first-child")
        assert "primary is down" in (await watched.text("#announcement")).lower()
        await lab.restart("primary")
        await watched.sees_state("primary", "UP")
        assert "All 2 are up" in await watched.text("#verdict")
    assert watched.complaints == []
    assert watched.hosts == {urlsplit(lab.lb_url).netloc}


async def test_without_contact_nothing_is_shown_as_fine_until_it_is_back(
    browser: Browser, lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    async with opened(browser, lab) as watched:
        await watched.sees_contact("Live")
        await lab.kill("lb")
        await watched.sees_contact("No contact since", 5)
        assert await watched.page.get_attribute("main", "class") == "stale"
        assert "nothing is known of now" in await watched.text("#verdict")
        await lab.restart("lb")
        await watched.sees_contact("Live")
        assert await watched.page.get_attribute("main", "class") == ""
        await watched.sees_state("primary", "UP")
    assert [each for each in watched.complaints if NETWORK_ERROR not in each] == []


async def test_a_load_balancer_that_hangs_is_no_contact_either(
    browser: Browser, lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """The connection stays open then, and no error tells the page."""
    async with opened(browser, lab) as watched:
        await watched.sees_contact("Live")
        await lab.pause("lb")
        try:
            await watched.sees_contact("No contact since", 6)
        finally:
            await lab.resume("lb")
        await watched.sees_contact("Live")
    assert watched.complaints == []


async def test_a_log_that_is_not_the_instances_is_named_before_all_else(
    browser: Browser, lb: httpx.AsyncClient, lab: ProcessLab, tmp_path: Path
) -> None:
    await create(lb, "marked")

    async def are_marked() -> bool:
        marks = (await lb.get("/status")).json()["identity"]["marks"].values()
        return all(each["position"] for each in marks)

    await eventually(are_marked, "both instances have marks")
    await lab.kill("lb")
    log = Log(lab, tmp_path)
    await log.begin_anew()
    async with (
        lb_on(log, lab, until=is_refused) as stranger,
        opened(browser, lab, url=str(stranger.base_url)) as watched,
    ):
        assert "Nothing is read or written" in await watched.text("#verdict")
        await watched.sees_state("primary", "MISMATCHED")
    assert watched.complaints == []


@pytest.mark.parametrize("size", [DESK, PHONE])
async def test_nothing_is_wider_than_the_screen(
    browser: Browser, lb: httpx.AsyncClient, lab: ProcessLab, size: tuple[int, int]
) -> None:
    async with opened(browser, lab, size) as watched:
        width = await watched.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]
        # Cards or rows: it stays a table for those who hear it.
        rows = watched.page.get_by_role("table").first.get_by_role("row")
        assert await rows.count() == 3

"""The run store in a real browser: from the list to a violation, two runs, trends, the matrix."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from harness.store.app import Server
from tests.browser.watched import DESK, PHONE, Watched
from tests.saved_runs import SavedRunPlan, save_gaps, save_matrix, save_run

PLANS = [
    SavedRunPlan("primary-down", seed, day=seed, slower=1 + seed % 3, lost=2 * (seed == 5))
    for seed in range(1, 7)
]
OTHER = SavedRunPlan("normal", day=9)
GAPS = ("20260301T120000-gap-7", "20260302T120000-gap-7")
MATRIX = "20260303T120000-mutants"

REPORT = """<!doctype html><title>Report</title><p id=done>not yet</p><a id=save>Save</a><script>
const save = document.getElementById("save");
save.href = URL.createObjectURL(new Blob(["the history"]));
save.download = "history.jsonl";
async function reach() {
  const packed = new Blob(["x"]).stream().pipeThrough(new CompressionStream("deflate"));
  const size = (await new Response(packed).arrayBuffer()).byteLength;
  const store = await fetch(location.pathname).then(() => "reached", () => "out of reach");
  document.getElementById("done").textContent = `${self.origin}, ${size}, ${store}`;
}
reach();
</script>"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    root = tmp_path_factory.mktemp("runs")
    for plan in (*PLANS, OTHER):
        directory = save_run(root, plan)
        write_report(directory.path)
    for name, command in zip(GAPS, (None, "python -m my_lb"), strict=True):
        save_gaps(root, name, command)
    save_matrix(root, MATRIX)
    async with Server(root, "127.0.0.1", 0) as url:
        yield url.rstrip("/")


def write_report(directory: Path) -> None:
    """A small report that does what the real one does, and tries what it must not."""
    (directory / "report.html").write_text(REPORT)


def is_figure(text: str) -> bool:
    return text.replace(",", "").replace(".", "").isdigit()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, size: tuple[int, int] = DESK, **options: object
) -> AsyncIterator[Watched]:
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        watched = Watched(await context.new_page())
        await watched.page.goto(url)
        yield watched
    finally:
        await context.close()


async def test_a_person_finds_the_run_that_failed_and_what_it_lost(
    browser: Browser, store: str
) -> None:
    async with opened(browser, f"{store}/") as watched:
        page = watched.page
        await expect(page.locator("#runs tbody tr")).to_have_count(len(PLANS) + 1)
        await page.select_option("select[name=verdict]", "fail")
        await page.get_by_role("button", name="Filter").click()
        rows = page.locator("#runs tbody tr")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("durability")
        await page.get_by_role("link", name=PLANS[4].name, exact=True).click()
        await expect(page.locator("main")).to_contain_text("1 of 4 checkers found a violation")
        await page.locator("summary").first.click()
        await watched.sees("#checkers", lambda text: "client-1 asked to add it" in text, "a tale")
    assert watched.complaints == []
    assert watched.hosts == {urlsplit(store).netloc}


async def test_a_report_has_its_script_and_saves_the_history_and_reaches_nothing_else(
    browser: Browser, store: str
) -> None:
    async with opened(browser, f"{store}/run/{PLANS[4].name}") as watched:
        page = watched.page
        await page.get_by_role("link", name="Open the report").click()
        await watched.sees("#done", lambda text: text != "not yet", "its script ran", 10)
        assert await watched.text("#done") == "null, 9, out of reach"
        async with page.expect_download() as download:
            await page.get_by_text("Save").click()
        saved = await (await download.value).path()
        assert saved.read_text() == "the history"
    # The browser itself complains that the report tried.
    assert all("Content Security Policy" in each for each in watched.complaints)


async def test_two_runs_are_ticked_and_laid_side_by_side(browser: Browser, store: str) -> None:
    async with opened(browser, f"{store}/") as watched:
        page = watched.page
        for plan in (PLANS[0], PLANS[4]):
            await page.get_by_role("checkbox", name=f"compare {plan.name}").check()
        await page.get_by_role("button", name="Compare").click()
        first = page.locator("#verdicts tbody tr").first
        assert (await first.inner_text()).split() == [
            *("durability", "fail,", "2", "violations", "pass")
        ]
        await expect(page.locator("figure canvas")).to_have_count(3)
        over = page.locator("figure").first.locator(".u-over")
        box = await over.bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        # All charts tell of the second that is pointed at in one of them.
        for number in range(3):
            told = f"figure >> nth={number} >> .u-legend .u-value >> nth=1"
            await watched.sees(told, is_figure, "what is pointed at is told", 10)
    assert watched.complaints == []


async def test_trends_gaps_and_the_matrix_are_a_click_away(browser: Browser, store: str) -> None:
    async with opened(browser, f"{store}/") as watched:
        page = watched.page
        await page.get_by_role("link", name="Trends").click()
        await page.get_by_role("link", name="primary-down", exact=True).click()
        await expect(page.locator("figure canvas")).to_have_count(3)
        await expect(page.locator("#runs tbody tr")).to_have_count(len(PLANS))
        await page.get_by_role("link", name="Timing gaps").click()
        for name in GAPS:
            await page.get_by_role("checkbox", name=f"compare {name}").check()
        await page.get_by_role("button", name="compare the two").click()
        await expect(page.locator("#failures tbody tr")).to_have_count(4)
        width = await page.locator("img.plot").evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
        assert width > 500
        await page.get_by_role("link", name="Kill matrix").click()
        await expect(page.locator("main")).to_contain_text("2 of 3 were caught")
        cell = page.get_by_title("stale-reads, read-your-writes: named and not found")
        await expect(cell).to_have_count(1)
        await page.get_by_role("link", name="one-direction").click()
        await expect(page.locator("h1")).to_contain_text(MATRIX)
    assert watched.complaints == []


async def test_the_tables_say_it_all_where_scripts_are_off(browser: Browser, store: str) -> None:
    async with opened(
        browser, f"{store}/trends?scenario=primary-down", java_script_enabled=False
    ) as watched:
        assert await watched.page.locator("#runs tbody tr").count() == len(PLANS)
        assert "Charts need JavaScript" in await watched.text("main")


async def test_a_keyboard_reaches_the_list_and_what_is_wide(browser: Browser, store: str) -> None:
    async with opened(browser, f"{store}/mutants") as watched:
        page = watched.page
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
        for _ in range(6):
            await page.keyboard.press("Tab")
        label = await page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label == "Kill matrix"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "one-direction"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/run/**")


@pytest.mark.parametrize("size", [DESK, PHONE])
async def test_no_page_is_wider_than_the_screen(
    browser: Browser, store: str, size: tuple[int, int]
) -> None:
    paths = (
        "/",
        f"/run/{PLANS[4].name}",
        f"/compare?run={PLANS[0].name}&run={PLANS[4].name}",
        "/trends?scenario=primary-down",
        f"/gaps/compare?gap={GAPS[0]}&gap={GAPS[1]}",
        "/mutants",
    )
    async with opened(browser, f"{store}/trends", size, color_scheme="dark") as watched:
        for path in paths:
            await watched.page.goto(f"{store}{path}")
            width = await watched.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], path
    assert watched.complaints == []

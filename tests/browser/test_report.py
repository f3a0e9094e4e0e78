"""The report of real runs in a real browser: one that passed, one that lost writes, a long one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from harness.model.verdict import Outcome
from harness.runner.run_directory import RunDirectory
from harness.runner.run_report import write_report
from harness.runner.run_store import SavedRun, read_run
from tests.browser.watched import DESK, PHONE, Watched
from tests.mutants.trial_run import UNMODIFIED, mutant_command, run_trial
from tests.mutants.trials import TRIALS
from tests.unit.report.html.long_runs import write_long_run

SEED = 1
CHARTS = 6
LONG = 100_000
MOST_BYTES = 5_000_000
DRAWN_SECONDS = 3.0
"""The promise; the figure itself is in `docs/report.md`."""

HOSTILE = '</script><script>alert(1)</script>\u0000\u001f\u007f\u2028\ud7ff 007 \U0001f4a5 \\ " 0'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    return await trial(tmp_path_factory.mktemp("pass") / "run", "quiet", UNMODIFIED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def failing(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    """Writes that were acknowledged while the primary was killed never reach it."""
    command = mutant_command("one-direction")
    return await trial(tmp_path_factory.mktemp("fail") / "run", "primary-killed", command)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    directory = write_long_run(tmp_path_factory.mktemp("long") / "run", LONG)
    run = read_run(directory)
    write_report(run)
    return run


async def trial(path: Path, name: str, command: tuple[str, ...]) -> SavedRun:
    """Run a trial of the zoo; the report is written by the run itself."""
    done = await run_trial(TRIALS[name], SEED, path, command, 4.0)
    assert done.error == ""
    return read_run(RunDirectory(path))


@asynccontextmanager
async def opened(
    browser: Browser, run: SavedRun, size: tuple[int, int] = DESK, scheme: str = "light"
) -> AsyncIterator[Watched]:
    """Open the file from disk, and wait until it is drawn; nothing else may be asked for."""
    assert scheme in ("light", "dark")
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    try:
        watched = Watched(await context.new_page())
        await watched.page.goto(run.directory.report.as_uri())
        await watched.page.wait_for_selector("html[data-drawn]")
        yield watched
        assert watched.complaints == []
        assert watched.hosts == {""}
    finally:
        await context.close()


async def shown(page: Page) -> list[float]:
    """Give what each chart shows of the time axis, as from and to; all must show the same."""
    ranges = await page.evaluate("axis.charts.map(({scales: {x}}) => [x.min, x.max])")
    assert len(ranges) == CHARTS
    assert all(each == ranges[0] for each in ranges)
    return list(ranges[0])


async def saved(page: Page) -> bytes:
    """Save the history as a reader does."""
    async with page.expect_download() as saving:
        await page.click("#download")
    return (await (await saving.value).path()).read_bytes()


async def test_a_run_that_passed_says_so_and_shows_no_violation(
    browser: Browser, passing: SavedRun
) -> None:
    assert passing.judgement is not None
    assert passing.judgement.outcome is Outcome.PASS
    async with opened(browser, passing) as watched:
        headline = await watched.text("h1")
        assert headline.startswith("PASS")
        assert "checkers pass" in headline
        assert "None." in await watched.text("#violations")
        assert await watched.page.locator(".first").count() == 0
        assert await watched.page.locator(".chart canvas").count() == CHARTS
        assert await saved(watched.page) == passing.directory.history.read_bytes()


async def test_a_run_that_lost_writes_says_which_when_and_under_which_fault(
    browser: Browser, failing: SavedRun
) -> None:
    assert failing.judgement is not None
    (lost,) = (v for v in failing.judgement.verdicts if v.checker == "durability")
    async with opened(browser, failing) as watched:
        assert (await watched.text("h1")).startswith("FAIL")
        first = await watched.text(".first")
        assert lost.violations[0].message in first
        assert lost.violations[0].operation in first
        assert "was answered as done" in first
        assert "kill primary, from" in first
        await watched.page.keyboard.press("v")
        assert await watched.page.evaluate("document.activeElement.id") == "violation-1"
        biography = await watched.text("#violation-1 .biography")
        assert "fault kill primary injected" in biography
        assert "primary holds nothing" in biography
        assert await watched.page.locator("#violation-1 li[data-look=it]").count() == 1
        assert await saved(watched.page) == failing.directory.history.read_bytes()


async def test_zoom_and_pointer_are_the_same_in_all_charts(
    browser: Browser, failing: SavedRun
) -> None:
    async with opened(browser, failing) as watched:
        page = watched.page
        whole = await shown(page)
        await page.keyboard.press("+")
        closer = await shown(page)
        assert closer[1] - closer[0] == pytest.approx((whole[1] - whole[0]) / 2)
        await page.keyboard.press("ArrowRight")
        assert (await shown(page))[0] > closer[0]
        await page.keyboard.press("0")
        assert await shown(page) == whole
        await page.click(".first [data-from]")
        around = await shown(page)
        at = await page.evaluate("run.violations[0].at")
        assert around[0] < at < around[1] < whole[1]
        await page.click("[data-zoom=whole]")
        over = page.locator("#chart-rates .u-over")
        await over.scroll_into_view_if_needed()
        box = await over.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await page.mouse.move(box["x"] + box["width"] * 0.25, middle)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
        await page.mouse.up()
        dragged = await shown(page)
        assert dragged[0] == pytest.approx(whole[1] * 0.25, rel=0.1)
        assert dragged[1] == pytest.approx(whole[1] * 0.5, rel=0.1)
        pointers = await page.evaluate("axis.charts.map(({cursor}) => Math.round(cursor.left))")
        assert max(pointers) - min(pointers) <= 1
        assert pointers[0] > 0


async def test_what_a_lane_shows_is_told_at_the_pointer(
    browser: Browser, failing: SavedRun
) -> None:
    async with opened(browser, failing) as watched:
        page = watched.page
        over = page.locator("#chart-lanes .u-over")
        await over.scroll_into_view_if_needed()
        box = await over.bounding_box()
        assert box is not None
        x, y = await page.evaluate(
            """() => {
              const place = laidOut().find(({lane}) => lane.title === "Observed faults");
              const [span] = place.lane.spans;
              return [axis.charts[0].valToPos((span.begin + span.end) / 2, "x"), place.top + 8];
            }"""
        )
        await page.mouse.move(box["x"] + x, box["y"] + y)
        await watched.sees("#tip", lambda text: "kill primary: seen after" in text, "it is told")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
async def test_nothing_of_a_report_is_wider_than_the_screen(
    browser: Browser, failing: SavedRun, size: tuple[int, int], scheme: str
) -> None:
    async with opened(browser, failing, size, scheme) as watched:
        width = await watched.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]


async def test_on_paper_what_is_folded_is_open_and_the_ground_is_light(
    browser: Browser, failing: SavedRun
) -> None:
    async with opened(browser, failing, scheme="dark") as watched:
        page = watched.page
        folded = page.locator(".violation details:not([open])")
        assert await folded.count() > 0
        await page.emulate_media(media="print")
        await expect(folded).to_have_count(0)
        assert await page.evaluate("colour('card').trim()") == "#ffffff"


async def test_a_page_without_its_scripts_still_tells_everything_but_the_charts(
    browser: Browser, failing: SavedRun
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(failing.directory.report.as_uri())
        assert "need JavaScript" in await page.inner_text("noscript")
        assert "kill primary, from" in await page.inner_text(".first")
        assert "kill primary: injected" in await page.text_content(".events")
    finally:
        await context.close()


async def test_hostile_names_stay_text_and_come_back_to_the_byte(
    browser: Browser, passing: SavedRun, tmp_path: Path
) -> None:
    directory = RunDirectory(tmp_path)
    for path in passing.directory.path.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    inside = msgspec.json.encode(HOSTILE)[1:-1]
    history = passing.directory.history.read_bytes().replace(b"client-1", inside)
    directory.history.write_bytes(history + b'{"type":"operation","torn')
    run = read_run(directory)
    write_report(run)
    async with opened(browser, run) as watched:
        assert await saved(watched.page) == directory.history.read_bytes()
        assert await watched.page.evaluate("document.scripts.length") == await script_count(
            browser, passing
        )


async def script_count(browser: Browser, run: SavedRun) -> int:
    async with opened(browser, run) as watched:
        return int(await watched.page.evaluate("document.scripts.length"))


async def test_a_hundred_thousand_operations_fit_in_a_small_file_and_are_drawn_soon(
    browser: Browser, long: SavedRun
) -> None:
    assert long.directory.report.stat().st_size <= MOST_BYTES
    async with opened(browser, long) as watched:
        drawn_ms = float(await watched.page.get_attribute("html", "data-drawn") or "inf")
        assert drawn_ms / 1000 <= DRAWN_SECONDS, f"drawn after {drawn_ms:.0f} ms"
        assert await saved(watched.page) == long.directory.history.read_bytes()

"""What the pages of the run store say, and what they never do."""

import asyncio
import random
import socket
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from harness.store.app import Server
from tests.integration.store.conftest import GAPS, MATRIX
from tests.saved_runs import SavedRunPlan, save_run

PASSED, FAILED = SavedRunPlan(day=1).name, SavedRunPlan(day=2).name
UNFINISHED = SavedRunPlan("normal", day=3).name
COMPARED = f"/compare?run={PASSED}&run={FAILED}"
PLOTS = (f"/gaps/plot.svg?gap={GAPS[0]}&gap={GAPS[1]}",)
ALL = (
    "/",
    "/?group=any",
    f"/run/{PASSED}",
    f"/run/{FAILED}",
    f"/run/{UNFINISHED}",
    f"/run/{GAPS[0]}/kill",
    COMPARED,
    f"/compare?run={PASSED}&run={UNFINISHED}",
    "/trends",
    "/trends?scenario=primary-down",
    "/gaps",
    f"/gaps/compare?gap={GAPS[0]}",
    f"/gaps/compare?gap={GAPS[0]}&gap={GAPS[1]}",
    *PLOTS,
    "/mutants",
    f"/mutants?campaign={MATRIX}",
)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Scripts(HTMLParser):
    """Counts what could act in a page, beside its own two scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        source = dict(attributes).get("src") or ""
        if tag == "script" and not source.startswith("/static/"):
            self.found.append(tag)
        self.found += [name for name, _ in attributes if name.startswith("on")]


class Links(HTMLParser):
    """Gathers where a page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value and value.startswith("/"):
                self.found.add(value)


async def text_of(pages: httpx.AsyncClient, path: str) -> str:
    response = await pages.get(path)
    assert response.status_code == 200, response.text
    return response.text


async def test_links_of_every_page_lead_to_pages(pages: httpx.AsyncClient) -> None:
    links = Links()
    for path in ALL:
        links.feed(await text_of(pages, path))
    assert len(links.found) > 60
    for path in sorted(links.found):
        assert (await pages.get(path)).status_code == 200, path


async def test_a_run_that_failed_says_which_checkers_found_what(pages: httpx.AsyncClient) -> None:
    text = await text_of(pages, f"/run/{FAILED}")
    assert "1 of 4 checkers found a violation: durability." in text
    assert "was acknowledged, and replica does not have it" in text
    assert "3.10 s client-1 asked to add it" in text
    assert "and 2 more in verdict.json" in text
    assert "kill primary: connection refused" in text
    assert "chroma-chaos run primary-down --seed 7" in text


async def test_a_run_without_a_verdict_is_no_pass(pages: httpx.AsyncClient) -> None:
    text = await text_of(pages, f"/run/{UNFINISHED}")
    assert "This run was not judged" in text
    assert 'data-word="pass"' not in text


async def test_the_report_of_a_run_is_a_page_that_can_reach_nothing(
    pages: httpx.AsyncClient, root: Path
) -> None:
    assert (await pages.get(f"/report/{PASSED}")).status_code == 404
    assert "Open the report" not in await text_of(pages, f"/run/{PASSED}")
    (root / PASSED / "report.html").write_text("<script>1</script>")
    assert f'href="/report/{PASSED}"' in await text_of(pages, f"/run/{PASSED}")
    response = await pages.get(f"/report/{PASSED}")
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-scripts allow-downloads" in policy
    assert "allow-same-origin" not in policy


async def test_files_are_text_to_read_or_bytes_to_keep_and_never_act(
    pages: httpx.AsyncClient, root: Path
) -> None:
    (root / PASSED / "page.html").write_text("<script>1</script>")
    (root / PASSED / "my file #1?.txt").write_text("named oddly")
    history = await pages.get(f"/file/{PASSED}/history.jsonl")
    assert history.content == (root / PASSED / "history.jsonl").read_bytes()
    assert history.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-disposition" not in history.headers
    kept = await pages.get(f"/file/{PASSED}/history.jsonl?keep")
    assert kept.headers["content-disposition"] == "attachment"
    page = await pages.get(f"/file/{PASSED}/page.html")
    assert page.headers["content-disposition"] == "attachment"
    assert page.headers["content-type"].startswith("application/octet-stream")
    assert (await text_of(pages, f"/file/{PASSED}/logs/lb.log")).startswith("the load balancer")
    assert await text_of(pages, f"/file/{PASSED}/{quote('my file #1?.txt')}") == "named oddly"
    for response in (history, kept, page):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        f"/file/{PASSED}/../secret.txt",
        f"/file/{PASSED}/../../secret.txt",
        f"/file/{PASSED}/%2e%2e/%2e%2e/secret.txt",
        f"/file/{PASSED}/..%2f..%2fsecret.txt",
        f"/file/{PASSED}/..%5c..%5csecret.txt",
        f"/file/{PASSED}//etc/passwd",
        f"/file/{PASSED}/%2fetc%2fpasswd",
        f"/file/{PASSED}/link.txt",
        f"/file/{PASSED}/tunnel/secret.txt",
        f"/file/{PASSED}/run.json%00.txt",
        f"/file/{PASSED}/%ff",
        "/file/../secret.txt",
        "/file/%2e%2e/secret.txt",
        "/run/../secret.txt",
        "/run/%2e%2e",
        "/report/%2e%2e%2fother",
        "/static/..%2fapp.py",
        "/mutants?campaign=../other",
        "/gaps/compare?gap=../other",
        "/gaps/plot.svg?gap=..%2Fother",
        f"/compare?run={PASSED}&run=../other",
    ],
)
async def test_nothing_outside_of_the_runs_is_ever_given_out(
    pages: httpx.AsyncClient, root: Path, path: str
) -> None:
    """Sent word for word, because a client library tidies paths up."""
    (root.parent / "secret.txt").write_text("the secret")
    save_run(root.parent, SavedRunPlan(), "other")
    (root / PASSED / "link.txt").symlink_to(root.parent / "secret.txt")
    (root / PASSED / "tunnel").symlink_to(root.parent)
    head, body = await asyncio.to_thread(raw_answer, pages.base_url, path)
    assert head.split()[1] in (b"400", b"403", b"404"), head
    assert b"the secret" not in body
    assert b"root:" not in body


def raw_answer(url: httpx.URL, path: str) -> tuple[bytes, bytes]:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


async def test_what_a_run_says_is_shown_as_text(pages: httpx.AsyncClient, root: Path) -> None:
    plan = SavedRunPlan(HOSTILE.replace("/", "-"), day=9, lb_command=HOSTILE, lost=1)
    save_run(root, plan, "hostile")
    verdict = root / "hostile" / "verdict.json"
    verdict.write_text(verdict.read_text().replace("was acknowledged", HOSTILE.replace('"', "'")))
    for path in ("/", "/run/hostile", f"/compare?run=hostile&run={PASSED}", "/trends"):
        text = await text_of(pages, path)
        scripts = Scripts()
        scripts.feed(text)
        assert scripts.found == [], path
        assert "&lt;script&gt;" in text


async def test_a_page_needs_nothing_from_elsewhere(pages: httpx.AsyncClient) -> None:
    for path in ALL:
        response = await pages.get(path)
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        if path not in PLOTS:
            assert "https://" not in response.text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/run/nobody", 404, "there is no run"),
        (f"/file/{PASSED}/nothing", 404, "has no such file"),
        ("/compare", 400, "choose two runs to compare, not 0"),
        (f"/compare?run={PASSED}", 400, "choose two runs to compare, not 1"),
        ("/trends?scenario=nothing", 404, "there is no run of a scenario"),
        ("/gaps/compare", 400, "choose one measurement or two, not 0"),
        ("/gaps/plot.svg?gap=nothing", 404, "there is no measured gap"),
        ("/mutants?campaign=nothing", 404, "there is no kill matrix"),
        ("/nothing", 404, "Not Found"),
    ],
)
async def test_what_is_not_there_is_told_on_a_page(
    pages: httpx.AsyncClient, path: str, status: int, words: str
) -> None:
    response = await pages.get(path)
    assert response.status_code == status
    assert words in response.text
    assert "This page cannot be shown" in response.text


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1", 200), ("[::1]", 200), ("evil.example.com", 403), ("", 403)],
)
async def test_another_name_for_this_machine_is_refused(
    pages: httpx.AsyncClient, host: str, status: int
) -> None:
    response = await pages.get("/", headers={"Host": host})
    assert response.status_code == status
    assert (PASSED in response.text) == (status == 200)


async def test_files_that_are_torn_at_any_place_never_break_a_page(
    pages: httpx.AsyncClient, root: Path
) -> None:
    chance = random.Random(9)
    files = [
        root / PASSED / "run.json",
        root / PASSED / "verdict.json",
        root / PASSED / "history.jsonl",
        root / GAPS[0] / "gap.json",
        root / GAPS[0] / "kill" / "history.jsonl",
        root / MATRIX / "mutants.json",
    ]
    seen: set[int] = set()
    for file in files:
        whole = file.read_bytes()
        for _ in range(12):
            file.write_bytes(torn(whole, chance))
            for path in ALL:
                response = await pages.get(path)
                seen.add(response.status_code)
                assert response.status_code < 500, (path, file, file.read_bytes()[:200])
        file.write_bytes(whole)
    assert seen == {200, 404}


def torn(content: bytes, chance: random.Random) -> bytes:
    """Cut a file off, put a foreign value into it, or turn some of its bytes."""
    at = chance.randrange(len(content))
    match chance.randrange(4):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + chance.randbytes(3) + content[at + 3 :]
        case 2:
            return content.replace(b"1", chance.choice([b"-9", b'"x"', b"null", b"1e999"]))
        case _:
            word = chance.choice([b"primary", b"pass", b"kill", b"durability", b"outcome"])
            return content.replace(
                word, chance.choice([b"", b"\xf0\x9f\x92\xa5", b"<b>", b"\\u0000"])
            )


async def test_an_empty_store_says_how_to_begin(tmp_path: Path) -> None:
    async with (
        Server(tmp_path / "nowhere", "127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as pages,
    ):
        for path, words in (
            ("/", "chroma-chaos run"),
            ("/trends", "There are no runs yet"),
            ("/gaps", "chroma-chaos gap"),
            ("/mutants", "make mutants"),
        ):
            assert words in await text_of(pages, path)

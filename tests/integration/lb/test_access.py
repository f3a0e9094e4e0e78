"""Administration and, if asked for, everything else need a token; no spelling of a path helps."""

import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.lb.calls import COLLECTIONS, eventually
from tests.integration.lb.raw_http import raw_request

ADMIN = {"Authorization": "Bearer for-admins"}
CLIENT = {"Authorization": "Bearer for-clients"}
FORCE = "/admin/instances/primary/health"
TOKENS = ("ADMIN_TOKEN=for-admins", "CLIENT_TOKEN=for-clients")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a load balancer that asks for both tokens."""
    lab = ProcessLab(
        ProcessLabSettings(
            tmp_path_factory.mktemp("guarded"),
            lb_command=("env", *TOKENS, sys.executable, "-m", "lb"),
            lb_ready_path="/health",
        )
    )
    await lab.start()
    try:
        async with httpx.AsyncClient(base_url=lab.lb_url, headers=CLIENT) as client:

            async def is_up() -> bool:
                return (await client.get("/status")).json()["healthy_instances"] == 2

            await eventually(is_up, "the instances are healthy")
        yield lab.lb_url
    finally:
        await lab.stop()


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({}, "/health", 200),
        ({}, "/status", 401),
        ({}, "/metrics", 401),
        ({}, "/transactions", 401),
        ({}, COLLECTIONS, 401),
        ({}, "/nowhere", 401),
        ({}, "/api/v1/collections", 401),
        ({}, "/admin/instances", 401),
        ({"Authorization": "Bearer wrong"}, "/status", 401),
        ({"Authorization": "Basic for-clients"}, "/status", 401),
        (CLIENT, "/status", 200),
        (CLIENT, COLLECTIONS, 200),
        (CLIENT, "/nowhere", 404),
        (CLIENT, "/admin/instances", 403),
        (ADMIN, "/admin/instances", 200),
        (ADMIN, "/status", 200),
    ],
)
async def test_a_token_opens_what_it_is_for(
    guarded: str, headers: dict[str, str], path: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=guarded, headers=headers) as client:
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") is (status == 401)


@pytest.mark.parametrize("path", ["/", "/events", "/page/page.css"])
async def test_a_browser_is_asked_for_the_token_as_a_password(guarded: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=guarded) as client:
        refused = await client.get(path)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        async with client.stream("GET", path, auth=("anybody", "for-clients")) as answer:
            assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/status", COLLECTIONS, "/admin/instances"])
async def test_a_password_opens_nothing_but_the_page(guarded: str, path: str) -> None:
    """A browser would send it along with what any other site makes it ask for."""
    async with httpx.AsyncClient(base_url=guarded, auth=("anybody", "for-admins")) as client:
        assert (await client.get(path)).status_code == 401


async def test_a_refused_force_changes_nothing(guarded: str) -> None:
    async with httpx.AsyncClient(base_url=guarded) as client:
        body = {"healthy": False}
        assert (await client.post(FORCE, json=body, headers=CLIENT)).status_code == 403
        assert (await client.post(FORCE, json=body)).status_code == 401
        states = (await client.get("/admin/instances", headers=ADMIN)).json()["instances"]
    assert [instance["forced"] for instance in states] == [None, None]


@pytest.mark.parametrize(
    "target",
    [
        "/admin/instances",
        "//admin/instances",
        "/./admin/instances",
        "/x/../admin/instances",
        "/health/../admin/instances",
        "/%61dmin/instances",
        "/admin%2Finstances",
        "/admin/%69nstances",
        "/ADMIN/instances",
        "/admin/instances?",
        "/admin/instances;x",
        "http://elsewhere/admin/instances",
        "http://elsewhere//admin/instances",
    ],
)
async def test_no_spelling_of_a_path_leads_past_the_token(guarded: str, target: str) -> None:
    """A client token and a raw socket: nothing of the answer is an instance's state."""
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    sent = f"{head}Authorization: Bearer for-clients\r\n\r\n".encode()
    (answer,) = await raw_request(urlsplit(guarded).port or 0, sent)
    assert answer.status in (400, 403, 404)
    assert b"instances" not in answer.body or b"does not allow" in answer.body


async def test_without_an_admin_token_only_local_peers_administer(lb: httpx.AsyncClient) -> None:
    assert (await lb.get("/admin/instances")).status_code == 200
    through_a_proxy = await lb.get("/admin/instances", headers={"X-Forwarded-For": "10.0.0.1"})
    assert through_a_proxy.status_code == 403
    assert "ADMIN_TOKEN" in through_a_proxy.json()["message"]

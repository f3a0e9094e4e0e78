"""Requests that two servers could understand differently are refused; nothing is smuggled in."""

from urllib.parse import urlsplit

import httpx
import pytest

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, create
from tests.integration.lb.raw_http import RawAnswer, raw_request

SMUGGLED = f"DELETE {COLLECTIONS}/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def send(lab: ProcessLab, sent: str) -> list[RawAnswer]:
    return await raw_request(urlsplit(lab.lb_url).port or 0, sent.encode("latin-1"))


def post(*lines: str, body: str = "") -> str:
    head = (f"POST {COLLECTIONS} HTTP/1.1", "Host: x", "Content-Type: application/json", *lines)
    return "\r\n".join(head) + "\r\n\r\n" + body


@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 0", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5, 5",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Content-Length: 0x5",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\r\n chunked",),
        ("X-Folded: a\r\n Content-Length: 5",),
        ("Content-Length\x00: 5",),
    ],
)
async def test_ambiguous_framing_is_refused_and_what_follows_is_never_a_request(
    lb: httpx.AsyncClient, lab: ProcessLab, framing: tuple[str, ...]
) -> None:
    await lb.post(COLLECTIONS, json={"name": "unharmed", "get_or_create": True})
    body = "0\r\n\r\n" + SMUGGLED % "unharmed"
    answers = await send(lab, post(*framing, body=body))
    assert [answer.status for answer in answers] == [400]
    assert (await lb.get(f"{COLLECTIONS}/unharmed")).status_code == 200


async def test_pipelined_requests_that_are_well_formed_are_all_answered(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """The counterpart of the tests above: here the second request is one, and takes effect."""
    await create(lb, "pipelined")
    first = post("Content-Length: 16", body='{"name":"first"}')
    answers = await send(lab, first + SMUGGLED % "pipelined")
    assert [answer.status for answer in answers] == [200, 200]
    assert (await lb.get(f"{COLLECTIONS}/pipelined")).status_code == 404


@pytest.mark.parametrize(
    "below",
    [
        "traversed/../kept",
        "..%2Fcollections%2Fkept",
        "%2e%2e/collections/kept",
        "./kept",
        "kept%2F..",
        "kept%00",
        "/kept",
        "kept/",
        "kept//",
    ],
)
async def test_a_trick_in_a_path_reaches_no_other_collection(
    lb: httpx.AsyncClient, lab: ProcessLab, below: str
) -> None:
    await lb.post(COLLECTIONS, json={"name": "kept", "get_or_create": True})
    request = f"DELETE {COLLECTIONS}/{below} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    (answer,) = await send(lab, request)
    assert answer.status in (400, 404, 405), answer
    assert (await lb.get(f"{COLLECTIONS}/kept")).status_code == 200


async def test_the_host_of_an_absolute_url_is_never_asked(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    request = (
        "GET http://127.0.0.1:1/api/v2/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    (answer,) = await send(lab, request)
    assert (answer.status, answer.body) == (200, b'"1.0.0"')

"""Bad input gets a clear error with the right status, ends nothing and harms nobody else."""

import asyncio

import httpx
import pytest

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import COLLECTIONS, add, create, eventually, ids_in, is_quiet

DEEP = b"[" * 100_000 + b"]" * 100_000
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b'{"name":"deep","metadata":' + DEEP + b"}"),
        ("/victim/add", b'{"ids":["a"],"embeddings":' + DEEP + b"}"),
        ("/victim/delete", b'{"ids":["a"],"x":' + DEEP + b"}"),
        ("/victim/get", b'{"where":' + DEEP + b"}"),
        ("", b'{"name":"abc\\u0000d"}'),
        ("/victim/add", b'{"ids":["\\u0000"],"embeddings":[[1,2]]}'),
        ("/victim/add", b"\xff\xfe"),
    ],
)
async def test_a_poisonous_body_is_refused_and_the_next_request_is_served(
    lb: httpx.AsyncClient, path: str, body: bytes
) -> None:
    await lb.post(COLLECTIONS, json={"name": "victim", "get_or_create": True})
    answer = await lb.post(f"{COLLECTIONS}{path}", content=body, headers=JSON)
    assert answer.status_code < 500, answer.text
    assert (await add(lb, "victim", "after")).status_code == 201
    assert "after" in await ids_in(lb, "victim")
    await eventually(lambda: is_quiet(lb), "no entry is left pending")


async def test_what_the_log_cannot_hold_harms_no_other_write(lb: httpx.AsyncClient) -> None:
    await create(lb, "bystander")
    raw = [(b"Client-Session", b"editor\xff"), (b"Content-Type", b"application/json\xff")]
    poison = [
        lb.post(f"{COLLECTIONS}/bystander/add", content=b"{}", headers=raw),
        lb.post(COLLECTIONS, content=b'{"name":"abc\\u0000d"}', headers=JSON),
    ]
    others = [add(lb, "bystander", f"d{n}") for n in range(20)]
    answers = await asyncio.gather(*poison, *others)
    assert [answer.status_code for answer in answers[2:]] == [201] * 20
    assert all(400 <= answer.status_code < 500 for answer in answers[:2])


@pytest.mark.parametrize("key", ["chroma:document", "\\u0063hroma:document"])
@pytest.mark.parametrize("operation", ["add", "update", "upsert"])
async def test_a_reserved_metadata_key_is_refused_before_it_breaks_a_server(
    lb: httpx.AsyncClient, operation: str, key: str
) -> None:
    """Plain Chroma takes it once, and then answers 500 to every write, for ever."""
    await lb.post(COLLECTIONS, json={"name": "reserved", "get_or_create": True})
    await add(lb, "reserved", "a")
    body = b'{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"%s":"x"}]}' % key.encode()
    answer = await lb.post(f"{COLLECTIONS}/reserved/{operation}", content=body, headers=JSON)
    assert answer.status_code == 400
    assert "chroma:document" in answer.json()["message"]
    assert (await add(lb, "reserved", f"after-{operation}-{len(key)}")).status_code == 201


async def test_the_reserved_prefix_in_a_text_is_not_a_key(lb: httpx.AsyncClient) -> None:
    await create(lb, "innocent")
    body = {
        "ids": ["a"],
        "embeddings": [[1, 2]],
        "documents": ["chroma:document"],
        "metadatas": [{"note": "chroma:document"}],
    }
    assert (await lb.post(f"{COLLECTIONS}/innocent/add", json=body)).status_code == 201


async def test_a_limited_delete_without_a_where_removes_nothing(lb: httpx.AsyncClient) -> None:
    await create(lb, "limited")
    await add(lb, "limited", "a", "b")
    for body in ({"limit": 1}, {"ids": ["a"], "limit": 1}):
        answer = await lb.post(f"{COLLECTIONS}/limited/delete", json=body)
        assert answer.status_code == 400
    assert await ids_in(lb, "limited") == ["a", "b"]


async def test_a_limited_delete_removes_the_same_documents_everywhere(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    """It is sent by ids, so that sending it again after a lost answer removes no others."""
    await create(lb, "limited-2")
    await add(lb, "limited-2", "a", "b", "c", "d")
    await lab.kill("replica")
    body = {"where_document": {"$contains": "text"}, "limit": 2}
    answer = await lb.post(f"{COLLECTIONS}/limited-2/delete", json=body)
    assert answer.json() == {"deleted": 2}
    await lab.kill("lb")
    await lab.restart("replica")
    await lab.restart("lb")
    await eventually(lambda: is_quiet(lb), "the instances are equal")
    for _ in range(4):
        assert await ids_in(lb, "limited-2") == ["c", "d"]


async def test_a_collection_may_be_named_like_a_uuid(lb: httpx.AsyncClient) -> None:
    name = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    logical = await create(lb, name)
    assert (await lb.get(f"{COLLECTIONS}/{name}")).json()["id"] == logical
    assert (await lb.delete(f"{COLLECTIONS}/{name}")).status_code == 200


async def test_a_collection_may_be_called_by_id(lb: httpx.AsyncClient) -> None:
    made = await lb.post(COLLECTIONS, json={"name": "by-id"})
    uuid = made.json()["id"]
    assert (await add(lb, uuid, "a")).status_code == 201
    assert await ids_in(lb, uuid) == ["a"]
    await eventually(lambda: is_quiet(lb), "both instances have it")
    assert (await lb.get("/health")).status_code == 200


UNREADABLE = (b'"x":' + b"[" * 3000 + b"]" * 3000, b'"x":"\\ud800"')


@pytest.mark.parametrize("field", UNREADABLE, ids=("deep", "surrogate"))
async def test_an_ignored_field_hides_nothing_from_our_checks(
    lb: httpx.AsyncClient, field: bytes
) -> None:
    """Plain Chroma takes all of these: it looks away where we cannot read."""
    await lb.post(COLLECTIONS, json={"name": "checked", "get_or_create": True})
    document = b'"ids":["p"],"embeddings":[[1,2]],"metadatas":[{"chroma:document":5}]'
    for method, path, body in (
        ("POST", "/add", b"{" + field + b"," + document + b"}"),
        ("POST", "/add", b'[["p"],[[1,2]],null,null,[{"chroma:document":5}]]'),
        ("PUT", "", b"{" + field + b',"new_name":"unchecked"}'),
    ):
        url = f"{COLLECTIONS}/checked{path}"
        answer = await lb.request(method, url, content=body, headers=JSON)
        assert answer.status_code == 400, answer.text
    assert (await add(lb, "checked", "after")).status_code == 201
    assert await ids_in(lb, "checked") == ["after"]
    await eventually(lambda: is_quiet(lb), "no entry is left pending")
    await lb.delete(f"{COLLECTIONS}/checked")

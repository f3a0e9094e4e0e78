"""Clients cannot tell the load balancer from plain Chroma: same statuses, same bodies."""

import json
from typing import Any
from urllib.parse import urlsplit

import chromadb
import chromadb.errors
import httpx
import pytest
from chromadb.config import Settings

from tests.integration.lb.calls import COLLECTIONS, DATABASE, eventually, is_quiet

JSON = {"Content-Type": "application/json"}
UNKNOWN = "0a1b2c3d-0000-4000-8000-00000000000a"

PARITY = "/api/v2/tenants/parity"
NAMESPACES: list[tuple[str, str, bytes | dict[str, Any] | None]] = [
    ("POST", "/api/v2/tenants", {"name": "parity"}),
    ("POST", "/api/v2/tenants", {"name": "parity"}),
    ("POST", "/api/v2/tenants", {}),
    ("POST", "/api/v2/tenants", b"{"),
    ("GET", PARITY, None),
    ("PATCH", PARITY, {"resource_name": "other"}),
    ("PATCH", PARITY, {"resource_name": 5}),
    ("PATCH", "/api/v2/tenants/nobody", {"resource_name": "other"}),
    ("POST", f"{PARITY}/databases", {"name": "zeta"}),
    ("POST", f"{PARITY}/databases", {"name": "alpha"}),
    ("POST", f"{PARITY}/databases", {"name": "alpha"}),
    ("POST", f"{PARITY}/databases", {"name": "no/name"}),
    ("POST", f"{PARITY}/databases", {"name": 7}),
    ("POST", f"{PARITY}/databases", b"nothing"),
    ("POST", "/api/v2/tenants/orphanage/databases", {"name": "orphan"}),
    ("GET", "/api/v2/tenants/orphanage/databases", None),
    ("DELETE", "/api/v2/tenants/orphanage/databases/orphan", None),
    ("GET", f"{PARITY}/databases", None),
    ("GET", f"{PARITY}/databases?limit=1", None),
    ("GET", f"{PARITY}/databases?limit=5&offset=1", None),
    ("GET", f"{PARITY}/databases?limit=x", None),
    ("GET", f"{PARITY}/databases/alpha", None),
    ("GET", f"{PARITY}/databases/nothing", None),
    ("POST", f"{PARITY}/databases/alpha/collections", {"name": "inside"}),
    ("GET", f"{PARITY}/databases/alpha/collections_count", None),
    ("DELETE", f"{PARITY}/databases/alpha", None),
    ("DELETE", f"{PARITY}/databases/alpha", None),
    ("GET", f"{PARITY}/databases/alpha", None),
    ("GET", f"{PARITY}/databases/alpha/collections", None),
    ("GET", f"{PARITY}/databases/alpha/collections_count", None),
    ("GET", f"{PARITY}/databases/alpha/collections/inside", None),
    ("POST", f"{PARITY}/databases/alpha/collections", {"name": "inside"}),
    ("POST", f"{PARITY}/databases", {"name": "alpha"}),
    ("GET", f"{PARITY}/databases/alpha/collections", None),
    ("POST", f"{PARITY}/databases/alpha/collections", {"name": "inside"}),
    ("DELETE", f"{PARITY}/databases/zeta", None),
    ("DELETE", f"{PARITY}/databases/alpha", None),
]

STEPS: list[tuple[str, str, bytes | dict[str, Any] | None]] = [
    ("POST", COLLECTIONS, {"name": "steps", "metadata": {"a": 1, "b": "x"}}),
    ("POST", COLLECTIONS, {"name": "steps"}),
    ("POST", COLLECTIONS, {"name": "steps", "get_or_create": True, "metadata": {"a": 2}}),
    ("POST", COLLECTIONS, {"name": "steps", "metadata": {}}),
    ("POST", COLLECTIONS, {"name": "steps", "get_or_create": True, "metadata": {}}),
    ("POST", COLLECTIONS, {"name": "x"}),
    ("POST", COLLECTIONS, {}),
    ("POST", COLLECTIONS, b'{"name": "steps"'),
    ("POST", COLLECTIONS, b""),
    ("POST", COLLECTIONS, {"name": 7}),
    ("POST", COLLECTIONS, {"name": "bad-metadata", "metadata": {"a": [1, {}]}}),
    ("GET", COLLECTIONS, None),
    ("GET", f"{COLLECTIONS}?limit=0", None),
    ("GET", f"{COLLECTIONS}?limit=5&offset=1", None),
    ("GET", f"{COLLECTIONS}?limit=minus", None),
    ("GET", f"{COLLECTIONS}?limit=4294967296", None),
    ("GET", f"{COLLECTIONS}?limit=4294967295&offset=0", None),
    ("GET", f"{COLLECTIONS}?limit=1&limit=2", None),
    ("GET", f"{DATABASE}/collections_count", None),
    ("GET", f"{COLLECTIONS}/steps", None),
    ("GET", f"{COLLECTIONS}/missing", None),
    ("GET", f"{COLLECTIONS}/by-id/{{id}}", None),
    ("GET", f"{COLLECTIONS}/by-id/{UNKNOWN}", None),
    ("GET", f"{COLLECTIONS}/by-id/not-a-uuid", None),
    (
        "POST",
        f"{COLLECTIONS}/{{id}}/add",
        {
            "ids": ["a", "b"],
            "embeddings": [[1, 2], [3, 4.5]],
            "documents": ["eins", "zwei"],
            "metadatas": [{"n": 1}, {"n": 2.5}],
        },
    ),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": ["a"], "embeddings": [[9, 9]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": ["c", "c"], "embeddings": [[1, 1], [2, 2]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": ["d"], "embeddings": [[1, 2, 3]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": ["d", "e"], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": [""], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": [], "embeddings": []}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": "a"}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", b'{"ids": ["d"], "embeddings": [[NaN, 1]]}'),
    ("POST", f"{COLLECTIONS}/{{id}}/add", b"[1"),
    ("POST", f"{COLLECTIONS}/{UNKNOWN}/add", {"ids": ["a"], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}/{UNKNOWN}/add", b'{"ids":'),
    ("POST", f"{COLLECTIONS}/{UNKNOWN}/delete", {"ids": ["a"]}),
    ("POST", f"{COLLECTIONS}/not-a-uuid/add", {"ids": ["a"], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["a"], "metadatas": [{"n": None, "m": "t"}]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "documents": ["x"]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none", "a"], "embeddings": [[1], [5, 5]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "embeddings": [[1, 2], [3, 4]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none", ""], "embeddings": [[1, 2], None]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "embeddings": [["x"]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "embeddings": ["AACAPwAAAEA="]}),
    ("POST", f"{COLLECTIONS}/{{id}}/update", {"ids": ["none"], "embeddings": ["AACAPw=="]}),
    ("POST", f"{COLLECTIONS}/{{id}}/upsert", {"ids": ["b", "f"], "embeddings": [[5, 6], [7, 8]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {}),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {"include": ["embeddings", "metadatas", "documents"]}),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {"where": {"m": "t"}, "limit": 1}),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {"where": {"$bad": 1}}),
    ("POST", f"{COLLECTIONS}/{UNKNOWN}/get", {}),
    ("POST", f"{COLLECTIONS}/{{id}}/query", {"query_embeddings": [[1, 2]], "n_results": 2}),
    ("POST", f"{COLLECTIONS}/{{id}}/query", {"query_embeddings": [[1, 2, 3]]}),
    ("POST", f"{COLLECTIONS}/{{id}}/query", b"{"),
    ("GET", f"{COLLECTIONS}/{{id}}/count", None),
    ("GET", f"{COLLECTIONS}/{{id}}/count?read_level=index_and_wal", None),
    ("GET", f"{COLLECTIONS}/{UNKNOWN}/count", None),
    ("POST", f"{COLLECTIONS}/{{id}}/delete", {"where": {"n": {"$gt": 0}}, "limit": 1}),
    ("POST", f"{COLLECTIONS}/{{id}}/delete", {"where": {"n": 99}, "limit": 3}),
    ("POST", f"{COLLECTIONS}/{{id}}/delete", {"ids": ["b", "zz"]}),
    ("POST", f"{COLLECTIONS}/{{id}}/delete", {"ids": []}),
    ("POST", f"{COLLECTIONS}/{{id}}/delete", {}),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {}),
    ("PUT", f"{COLLECTIONS}/{{id}}", {"new_metadata": {"z": True}}),
    ("PUT", f"{COLLECTIONS}/{{id}}", {"new_name": "x"}),
    ("PUT", f"{COLLECTIONS}/{{id}}", {"new_name": "renamed"}),
    ("PUT", f"{COLLECTIONS}/{UNKNOWN}", {"new_name": "renamed"}),
    ("GET", f"{COLLECTIONS}/renamed", None),
    ("GET", f"{COLLECTIONS}/steps", None),
    ("DELETE", f"{COLLECTIONS}/steps", None),
    ("DELETE", f"{COLLECTIONS}/renamed", None),
    ("DELETE", f"{COLLECTIONS}/renamed", None),
    ("GET", f"{COLLECTIONS}/renamed", None),
    ("POST", f"{COLLECTIONS}/{{id}}/get", {}),
    ("POST", f"{COLLECTIONS}/{{id}}/add", {"ids": ["a"], "embeddings": [[1, 2]]}),
    ("POST", f"{COLLECTIONS}", {"name": "nodb-abc"}),
    ("DELETE", f"{COLLECTIONS}/nodb-abc", None),
    ("GET", "/api/v2/tenants/default_tenant", None),
    ("GET", "/api/v2/tenants/nobody", None),
    ("GET", "/api/v2/tenants/default_tenant/databases/default_database", None),
    ("GET", "/api/v2/tenants/default_tenant/databases", None),
    *NAMESPACES,
    *NAMESPACES,
    ("GET", "/api/v2/version", None),
    ("GET", "/api/v2/pre-flight-checks", None),
    ("GET", "/api/v2/auth/identity", None),
    ("GET", "/api/v2/healthcheck", None),
]


async def test_every_request_is_answered_as_plain_chroma_answers_it(
    lb: httpx.AsyncClient, plain: httpx.AsyncClient
) -> None:
    ids = {"lb": "", "plain": ""}
    for method, path, body in STEPS:
        answers = {}
        for who, client in (("plain", plain), ("lb", lb)):
            content = json.dumps(body).encode() if isinstance(body, dict) else body
            response = await client.request(
                method,
                path.replace("{id}", ids[who]),
                content=content,
                headers=JSON if content is not None else {},
            )
            if path == COLLECTIONS and response.status_code == 200 and method == "POST":
                ids[who] = ids[who] or response.json()["id"]
            answers[who] = (response.status_code, comparable(response, ids[who]))
        assert answers["lb"] == answers["plain"], f"{method} {path} {body!r}"
    await eventually(lambda: is_quiet(lb), "bad input leaves no entry pending")


def comparable(response: httpx.Response, own_id: str) -> Any:
    """Return the body without what differs between any two servers."""
    text = response.text.replace(own_id, "<id>") if own_id else response.text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text if response.status_code < 400 else ""
    return without_unstable(value)


def without_unstable(value: Any) -> Any:
    if isinstance(value, list):
        return [without_unstable(item) for item in value]
    if isinstance(value, dict):
        unstable = {"nanosecond heartbeat", "log_position", "version"}
        return {
            key: "<id>" if key == "id" else without_unstable(item)
            for key, item in value.items()
            if key not in unstable
        }
    return value


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2/nope", 404),
        ("PATCH", f"{COLLECTIONS}/steps", 405),
        ("GET", f"{COLLECTIONS}/{UNKNOWN}/add", 405),
        ("POST", "/api/v2/heartbeat", 405),
    ],
)
async def test_what_chroma_does_not_have_gets_the_same_status(
    lb: httpx.AsyncClient, plain: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await plain.request(method, path)).status_code == status
    assert (await lb.request(method, path)).status_code == status


@pytest.mark.parametrize("size", [41_943_041, 60_000_000])
async def test_an_over_long_body_is_refused_as_by_plain_chroma(
    lb: httpx.AsyncClient, plain: httpx.AsyncClient, size: int
) -> None:
    collection = (await lb.post(COLLECTIONS, json={"name": f"long-{size}"})).json()["id"]
    body = b" " * size

    async def chunks() -> Any:
        for start in range(0, size, 1 << 20):
            yield body[start : start + (1 << 20)]

    path = f"{COLLECTIONS}/{collection}/add"
    ours = await lb.post(path, content=body, headers=JSON)
    chunked = await lb.post(path, content=chunks(), headers=JSON)
    assert ours.status_code == chunked.status_code == 413
    if size < 50_000_000:  # Plain Chroma resets the connection when far more is sent.
        theirs = await plain.post(f"{COLLECTIONS}/{UNKNOWN}/add", content=body, headers=JSON)
        assert theirs.status_code == 413
    await eventually(lambda: is_quiet(lb), "no entry is left pending")


def official_client(url: str) -> Any:
    parts = urlsplit(url)
    return chromadb.HttpClient(
        host=str(parts.hostname),
        port=int(parts.port or 0),
        settings=Settings(anonymized_telemetry=False),
    )


def a_session_of_the_official_client(url: str) -> list[Any]:
    """Use everything that the client offers for collections and documents; return what it saw."""
    client = official_client(url)
    seen: list[Any] = [client.get_version(), client.heartbeat() > 0]
    collection = client.create_collection("official", metadata={"k": 1}, embedding_function=None)
    with pytest.raises(chromadb.errors.ChromaError) as taken:
        client.create_collection("official", embedding_function=None)
    seen += [type(taken.value).__name__, str(taken.value)]
    same = client.get_or_create_collection("official", embedding_function=None)
    seen.append(same.id == collection.id)
    vectors = [[float(n), float(n * n % 7), 1.0] for n in range(20)]
    collection.add(
        ids=[f"d{n}" for n in range(20)],
        embeddings=vectors,
        documents=[f"text {n}" for n in range(20)],
        metadatas=[{"n": n, "even": n % 2 == 0} for n in range(20)],
    )
    collection.update(ids=["d1"], metadatas=[{"extra": "yes"}])
    collection.upsert(ids=["d2", "d20"], embeddings=[[0.5, 0.25, 0.125], [1e-7, 2.0, 3.0]])
    seen.append(collection.count())
    seen.append(collection.get(include=["embeddings", "documents", "metadatas"]))
    seen.append(collection.get(where={"even": True}, limit=3, offset=1))
    seen.append(collection.peek(2))
    seen.append(collection.query(query_embeddings=[[1.0, 1.0, 1.0]], n_results=3)["ids"])
    collection.delete(ids=["d3"])
    collection.delete(where={"n": {"$gte": 15}})
    seen.append(collection.count())
    collection.modify(name="official-2", metadata={"k": 2})
    again = client.get_collection("official-2", embedding_function=None)
    seen += [again.id == collection.id, again.metadata, client.count_collections()]
    seen.append([c.name for c in client.list_collections()])
    with pytest.raises(chromadb.errors.ChromaError) as wrong:
        collection.add(ids=["bad"], embeddings=[[1.0]])
    seen += [type(wrong.value).__name__, str(wrong.value)]
    client.delete_collection("official-2")
    with pytest.raises(chromadb.errors.ChromaError) as gone:
        client.get_collection("official-2", embedding_function=None)
    seen += [type(gone.value).__name__, str(gone.value)]
    return seen


def plainly(value: Any) -> Any:
    """Return lists for arrays, so that values compare; dictionaries do so whatever their order."""
    if isinstance(value, dict):
        return {key: plainly(item) for key, item in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


async def test_the_official_client_sees_the_same_through_the_load_balancer(
    lb: httpx.AsyncClient, plain: httpx.AsyncClient
) -> None:
    for client in (lb, plain):
        for collection in (await client.get(COLLECTIONS)).json():
            await client.delete(f"{COLLECTIONS}/{collection['name']}")
    through_lb = a_session_of_the_official_client(str(lb.base_url))
    from_plain = a_session_of_the_official_client(str(plain.base_url))
    assert len(through_lb) == len(from_plain)
    for ours, theirs in zip(through_lb, from_plain, strict=True):
        assert plainly(ours) == plainly(theirs)


async def test_a_rename_onto_an_existing_name_is_a_conflict(lb: httpx.AsyncClient) -> None:
    """Plain Chroma answers 500 here, which would leave the entry without an outcome for ever."""
    first = (await lb.post(COLLECTIONS, json={"name": "first-name"})).json()["id"]
    await lb.post(COLLECTIONS, json={"name": "second-name"})
    response = await lb.put(f"{COLLECTIONS}/{first}", json={"new_name": "second-name"})
    assert response.status_code == 409
    assert response.json()["message"] == "Collection [second-name] already exists"

"""Tenants and databases: logged, applied everywhere in order, and protected like collections."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.config import Settings

from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import create, eventually, is_quiet

TENANT = "/api/v2/tenants/default_tenant"
DATABASES = f"{TENANT}/databases"


async def make_database(lb: httpx.AsyncClient, name: str) -> None:
    answer = await lb.post(DATABASES, json={"name": name})
    assert answer.status_code == 200, answer.text


async def fill(lb: httpx.AsyncClient, database: str, collection: str, *ids: str) -> None:
    collections = f"{DATABASES}/{database}/collections"
    body = {"name": collection, "get_or_create": True}
    made = await lb.post(collections, json=body)
    assert made.status_code == 200, made.text
    documents = {"ids": list(ids), "embeddings": [[1.0, 2.0]] * len(ids)}
    answer = await lb.post(f"{collections}/{collection}/add", json=documents)
    assert answer.status_code == 201, answer.text


async def on_instances(lab: ProcessLab) -> list[dict[str, dict[str, list[str]]]]:
    """Read, from each instance, its databases, their collections and the ids in these."""
    found = []
    for instance in lab.instances:
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as direct:
            names = [each["name"] for each in (await direct.get(DATABASES)).json()]
            found.append(
                {name: await contents(direct, name) for name in names if "canary" not in name}
            )
    return found


async def contents(direct: httpx.AsyncClient, database: str) -> dict[str, list[str]]:
    collections = f"{DATABASES}/{database}/collections"
    listed: list[dict[str, Any]] = (await direct.get(collections)).json()
    return {
        each["name"]: (await direct.post(f"{collections}/{each['id']}/get", json={})).json()["ids"]
        for each in listed
    }


async def test_a_database_has_one_id_whichever_instance_answers(lb: httpx.AsyncClient) -> None:
    await make_database(lb, "one-id")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    objects = [(await lb.get(f"{DATABASES}/one-id")).json() for _ in range(6)]
    listed = [each for each in (await lb.get(DATABASES)).json() if each["name"] == "one-id"]
    assert all(each == objects[0] for each in [*objects, *listed])
    assert len(listed) == 1


async def test_a_database_and_its_collections_appear_on_an_instance_that_was_away(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await make_database(lb, "before-away")
    await fill(lb, "before-away", "kept", "a")
    await fill(lb, "before-away", "dropped", "b")
    await lab.kill("primary")
    await make_database(lb, "made-away")
    await fill(lb, "made-away", "files", "c")
    await fill(lb, "before-away", "kept", "d")
    answer = await lb.delete(f"{DATABASES}/before-away")
    assert (answer.status_code, answer.json()) == (200, {})
    again = await lb.post(f"{DATABASES}/before-away/collections", json={"name": "too-late"})
    assert again.status_code == 400
    await make_database(lb, "before-away")
    await fill(lb, "before-away", "kept", "e")
    await lab.restart("primary")
    await eventually(lambda: is_quiet(lb), "the primary has caught up", 20)
    for found in await on_instances(lab):
        assert found["before-away"] == {"kept": ["e"]}
        assert found["made-away"] == {"files": ["c"]}
    listed = (await lb.get("/collection/mappings")).json()["mappings"]
    inside = [each["name"] for each in listed if each["database"] == "before-away"]
    assert inside == ["kept"]


async def test_a_database_with_a_protected_collection_cannot_be_deleted(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await make_database(lb, "precious")
    await fill(lb, "precious", "other", "b")
    await fill(lb, "precious", "global", "a")
    refused = await lb.delete(f"{DATABASES}/precious")
    assert refused.status_code == 403
    assert "global" in refused.text
    await eventually(lambda: is_quiet(lb), "nothing is under way")
    for found in await on_instances(lab):
        assert found["precious"] == {"global": ["a"], "other": ["b"]}


async def test_the_canary_database_can_neither_be_seen_nor_made_nor_deleted(
    lb: httpx.AsyncClient,
) -> None:
    refused = await lb.post(DATABASES, json={"name": "chroma-lb-canary"})
    assert refused.status_code == 400
    assert "reserved" in refused.text
    assert (await lb.delete(f"{DATABASES}/chroma-lb-canary")).status_code == 404
    await make_database(lb, "zz-after-the-canary")
    listed = (await lb.get(DATABASES)).json()
    assert "chroma-lb-canary" not in [each["name"] for each in listed]
    last = await lb.get(DATABASES, params={"limit": 1, "offset": len(listed) - 1})
    assert [each["name"] for each in last.json()] == ["zz-after-the-canary"]


async def test_a_repeated_transaction_ends_a_database_once(lb: httpx.AsyncClient) -> None:
    await make_database(lb, "ended-once")
    headers = {"Transaction-ID": "end-of-ended-once"}
    first = await lb.delete(f"{DATABASES}/ended-once", headers=headers)
    await make_database(lb, "ended-once")
    second = await lb.delete(f"{DATABASES}/ended-once", headers=headers)
    assert first.status_code == second.status_code == 200
    assert (await lb.get(f"{DATABASES}/ended-once")).status_code == 200
    transaction = (await lb.get("/transactions/end-of-ended-once")).json()
    assert transaction["kind"] == "drop_database"
    assert transaction["state"] == "COMPLETED"


async def test_databases_survive_a_restart_of_the_load_balancer_with_an_instance_away(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await make_database(lb, "old-one")
    await fill(lb, "old-one", "files", "a")
    await eventually(lambda: is_quiet(lb), "both instances have it")
    await lab.kill("replica")
    assert (await lb.delete(f"{DATABASES}/old-one")).status_code == 200
    await make_database(lb, "new-one")
    await fill(lb, "new-one", "files", "b")
    await lab.kill("lb")
    await lab.restart("lb")
    await fill(lb, "new-one", "files", "c")
    await lab.restart("replica")
    await eventually(lambda: is_quiet(lb), "the replica has caught up", 30)
    for found in await on_instances(lab):
        assert "old-one" not in found
        assert found["new-one"] == {"files": ["b", "c"]}


async def test_writes_into_a_database_while_it_is_deleted_leave_the_instances_equal(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    statuses: set[int] = set()

    async def make_and_end() -> None:
        for _ in range(6):
            statuses.add((await lb.post(DATABASES, json={"name": "contested"})).status_code)
            statuses.add((await lb.delete(f"{DATABASES}/contested")).status_code)

    async def use(worker: int) -> None:
        collections = f"{DATABASES}/contested/collections"
        for number in range(15):
            name = f"c-{worker}-{number % 3}"
            body = {"name": name, "get_or_create": True}
            statuses.add((await lb.post(collections, json=body)).status_code)
            documents = {"ids": [f"d{number}"], "embeddings": [[1.0, 2.0]]}
            added = await lb.post(f"{collections}/{name}/add", json=documents)
            statuses.add(added.status_code)

    await asyncio.gather(make_and_end(), *(use(worker) for worker in range(3)))
    await make_database(lb, "contested-end")
    await eventually(lambda: is_quiet(lb), "the log is applied")
    primary, replica = await on_instances(lab)
    assert primary == replica
    assert statuses <= {200, 201, 400, 404, 409}


async def test_the_official_admin_client_cannot_tell_the_difference(
    lb: httpx.AsyncClient, plain: httpx.AsyncClient
) -> None:
    ours = await asyncio.to_thread(a_session_of_the_admin_client, str(lb.base_url))
    theirs = await asyncio.to_thread(a_session_of_the_admin_client, str(plain.base_url))
    assert ours == theirs


def a_session_of_the_admin_client(url: str) -> list[Any]:
    """Use everything that the client offers for tenants and databases; return what it saw."""
    parts = urlsplit(url)
    settings = Settings(
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host=str(parts.hostname),
        chroma_server_http_port=int(parts.port or 0),
        anonymized_telemetry=False,
    )
    admin = chromadb.AdminClient(settings)
    seen: list[Any] = []

    def attempt(call: Any, *arguments: Any) -> None:
        try:
            answer = call(*arguments)
        except Exception as error:
            answer = (type(error).__name__, str(error))
        if isinstance(answer, list):
            answer = [{**each, "id": ""} for each in answer]
        elif isinstance(answer, dict):
            answer = {**answer, "id": ""}
        seen.append(answer)

    attempt(admin.create_tenant, "official")
    attempt(admin.create_tenant, "official")
    attempt(admin.get_tenant, "official")
    attempt(admin.get_tenant, "missing")
    attempt(admin.create_database, "second", "official")
    attempt(admin.create_database, "first", "official")
    attempt(admin.create_database, "first", "official")
    attempt(admin.create_database, "?", "official")
    attempt(admin.get_database, "first", "official")
    attempt(admin.get_database, "missing", "official")
    attempt(admin.list_databases, None, None, "official")
    attempt(admin.list_databases, 1, 1, "official")
    client = chromadb.HttpClient(
        host=str(parts.hostname),
        port=int(parts.port or 0),
        settings=Settings(anonymized_telemetry=False),
        tenant="official",
        database="first",
    )
    collection = client.create_collection("inside")
    collection.add(ids=["a"], embeddings=[[1.0, 2.0]])
    attempt(admin.delete_database, "first", "official")
    attempt(collection.count)
    attempt(admin.delete_database, "first", "official")
    attempt(admin.list_databases, None, None, "official")
    return [repr(each).replace(str(collection.id), "<id>") for each in seen]


async def test_collections_of_the_same_name_live_in_different_databases(
    lb: httpx.AsyncClient, lab: ProcessLab
) -> None:
    await create(lb, "same-name")
    await make_database(lb, "another")
    await fill(lb, "another", "same-name", "a")
    assert (await lb.delete(f"{DATABASES}/another")).status_code == 200
    await eventually(lambda: is_quiet(lb), "the database is gone everywhere")
    for found in await on_instances(lab):
        assert "another" not in found
        assert found["default_database"]["same-name"] == []


async def test_a_tenant_name_that_is_too_short_is_refused(lb: httpx.AsyncClient) -> None:
    """Chroma words this refusal differently from one time to the next, so only its status."""
    assert (await lb.post("/api/v2/tenants", json={"name": "x"})).status_code == 400

"""What must hold after an example: both instances hold, entry by entry, what plain Chroma holds.

Read past the load balancer, by the UUID that each instance has for a collection.
"""

from typing import Any

import httpx

from tests.properties.sides import World
from tests.properties.waiting import wait_until

DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
COLLECTIONS = f"{DATABASE}/collections"
COLUMNS = ["documents", "metadatas", "uris"]


def check_equal_everywhere(world: World) -> None:
    """Wait until the log is applied everywhere, then compare all that is stored."""
    wait_until(lambda: is_quiet(world), "every instance is healthy and caught up", 30)
    expected = {
        name: contents(world.plain_http, uuid) for name, uuid in listed(world.plain_http).items()
    }
    mapped = mappings(world)
    assert mapped.keys() == expected.keys(), "the catalogue names other collections"
    for instance, client in world.instances.items():
        uuids = {name: uuids[instance] for name, uuids in mapped.items()}
        assert listed(client) == uuids, f"{instance} has other collections"
        for name, uuid in uuids.items():
            held = contents(client, uuid)
            assert held == expected[name], f"{name}: {instance} {held}, plain {expected[name]}"


def is_quiet(world: World) -> bool:
    status = world.lb_http.get("/status").json()
    is_up = all(instance["state"] == "UP" for instance in status["instances"])
    return is_up and not any(status["log"]["pending_entries"].values())


def mappings(world: World) -> dict[str, dict[str, str]]:
    """Return name -> instance -> UUID, as the load balancer says."""
    answer = world.lb_http.get("/collection/mappings").json()
    return {each["name"]: each["uuids"] for each in answer["mappings"]}


def listed(client: httpx.Client) -> dict[str, str]:
    return {each["name"]: each["id"] for each in client.get(COLLECTIONS).json()}


def contents(client: httpx.Client, uuid: str) -> Any:
    """Return all that a server stores of a collection, its documents in order."""
    described = client.get(f"{COLLECTIONS}/by-id/{uuid}").json()
    kept = ("metadata", "configuration_json", "dimension")
    records = client.post(f"{COLLECTIONS}/{uuid}/get", json={"include": COLUMNS}).json()
    # Of an empty collection Chroma may fail to give the embeddings, see `accepted`.
    include = {"include": [*COLUMNS, "embeddings"] if records["ids"] else COLUMNS}
    records = client.post(f"{COLLECTIONS}/{uuid}/get", json=include).json()
    assert "ids" in records, records
    return {name: described[name] for name in kept}, records


def remove_everything(world: World) -> None:
    for side in (world.lb, world.plain):
        for collection in side.client.list_collections():
            side.client.delete_collection(collection.name)
        side.labels.clear()

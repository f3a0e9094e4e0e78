"""What the crash tests write: every kind of write, and later ones that show a repetition."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.lb.calls import COLLECTIONS

SEED = {
    "ids": ["a", "b", "c", "d"],
    "embeddings": [[1.0, 0.0], [0.0, 1.0], [0.5, 0.25], [-1.0, 3.0]],
    "documents": ["text of a", "text of b", "text of c", "text of d"],
    "metadatas": [{"group": "x", "n": 1}, {"group": "x"}, {"group": "x"}, {"group": "y"}],
}
Contents = dict[str, dict[str, Any] | None]
"""What is found under each name that a case uses; None where no collection bears it."""
ALL = ["documents", "metadatas", "embeddings"]


@dataclass(frozen=True)
class Write:
    """A request below a collection, or at a path of its own if that begins with /api.

    `{id}` and `{name}` in the path and body stand for the collection's own.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None

    async def send(
        self, client: httpx.AsyncClient, place: "Place", transaction_id: str | None = None
    ) -> httpx.Response:
        headers = {"Transaction-ID": transaction_id} if transaction_id else {}
        base = "" if self.path.startswith("/api") else COLLECTIONS
        path = base + place.fill(self.path)
        body = self.body and {
            key: place.fill(value) if isinstance(value, str) else value
            for key, value in self.body.items()
        }
        return await client.request(self.method, path, json=body, headers=headers)


@dataclass(frozen=True)
class Place:
    """The collection that a case works on, under the id that its server knows."""

    name: str
    id: str = ""

    def fill(self, text: str) -> str:
        return text.format(id=self.id, name=self.name)


@dataclass(frozen=True)
class Case:
    """A write, and later ones that a second application of the first would undo or disturb."""

    write: Write
    later: tuple[Write, ...]
    is_seeded: bool = True
    seeding: "tuple[Write, ...]" = ()
    is_conditional: bool = False
    """Whether the load balancer has to make it repeatable before it is sent."""


def on_documents(verb: str, **body: Any) -> Write:
    return Write("POST", f"/{{id}}/{verb}", body)


def one(document_id: str, group: str, **metadata: Any) -> dict[str, Any]:
    return {
        "ids": [document_id],
        "embeddings": [[7.0, 8.0]],
        "documents": [f"new text of {document_id}"],
        "metadatas": [{"group": group, **metadata}],
    }


CREATE = Write("POST", "", {"name": "{name}", "metadata": {"made": 1}})
RENAME = Write("PUT", "/{id}", {"new_name": "{name}-new"})
TENANTS = "/api/v2/tenants"
DATABASES = f"{TENANTS}/default_tenant/databases"
CREATE_DATABASE = Write("POST", DATABASES, {"name": "{name}"})
DROP_DATABASE = Write("DELETE", f"{DATABASES}/{{name}}")
CREATE_INSIDE = Write("POST", f"{DATABASES}/{{name}}/collections", {"name": "inside"})

CASES = {
    "create": Case(CREATE, (on_documents("add", **one("a", "x")),), is_seeded=False),
    "add": Case(
        on_documents("add", ids=["e", "a"], embeddings=[[3, 4], [5, 6]], documents=["e", "not a"]),
        (on_documents("delete", ids=["e"]),),
    ),
    "update": Case(
        on_documents("update", ids=["a"], metadatas=[{"n": None, "more": 1}]),
        (on_documents("update", ids=["a"], metadatas=[{"n": 2, "more": 2}]),),
    ),
    "update-absent": Case(
        on_documents("update", ids=["a", "e"], embeddings=[[3, 4], [7, 8]]),
        (on_documents("add", **one("e", "x")), on_documents("update", **one("a", "x"))),
        is_conditional=True,
    ),
    "upsert": Case(
        on_documents("upsert", **one("e", "y", kept=1)),
        (on_documents("delete", ids=["e"]), on_documents("add", **one("e", "x"))),
    ),
    "delete-ids": Case(
        on_documents("delete", ids=["a", "d"]), (on_documents("add", **one("a", "y")),)
    ),
    "delete-where": Case(
        on_documents("delete", where={"group": "x"}),
        (on_documents("add", **one("a", "x")),),
        is_conditional=True,
    ),
    "delete-limit": Case(
        on_documents("delete", where={"group": "x"}, limit=1),
        (on_documents("add", **one("a", "x")),),
        is_conditional=True,
    ),
    "modify": Case(
        Write("PUT", "/{id}", {"new_metadata": {"version": 1}}),
        (Write("PUT", "/{id}", {"new_metadata": {"version": 2}}),),
    ),
    "rename": Case(RENAME, (Write("PUT", "/{id}", {"new_name": "{name}"}),)),
    "drop": Case(Write("DELETE", "/{name}"), (CREATE,)),
    "create-tenant": Case(
        Write("POST", TENANTS, {"name": "{name}"}),
        (Write("PATCH", f"{TENANTS}/{{name}}", {"resource_name": "later"}),),
        is_seeded=False,
    ),
    "create-database": Case(CREATE_DATABASE, (CREATE_INSIDE, DROP_DATABASE), is_seeded=False),
    "drop-database": Case(
        DROP_DATABASE,
        (CREATE_DATABASE, CREATE_INSIDE),
        is_seeded=False,
        seeding=(CREATE_DATABASE, CREATE_INSIDE),
    ),
}


async def located(client: httpx.AsyncClient, place: Place) -> Place:
    """Return the place with the id of the collection that now bears the name, if one does."""
    found = await client.get(f"{COLLECTIONS}/{place.name}")
    return Place(place.name, found.json()["id"]) if found.is_success else place


async def seed(client: httpx.AsyncClient, case: Case, name: str) -> Place:
    """Bring about what the case starts from; every answer is an acknowledgement."""
    for write in case.seeding:
        done = await write.send(client, Place(name))
        assert done.is_success, done.text
    if not case.is_seeded:
        return Place(name)
    made = await CREATE.send(client, Place(name))
    assert made.status_code == 200, made.text
    place = Place(name, made.json()["id"])
    added = await on_documents("add", **SEED).send(client, place)
    assert added.status_code == 201, added.text
    return place


async def contents(client: httpx.AsyncClient, place: Place) -> Contents:
    """Read all that a case can have touched, by name, without the ids that servers give."""
    found: Contents = {
        "tenant": await object_at(client, place.fill(f"{TENANTS}/{{name}}")),
        "database": await object_at(client, place.fill(f"{DATABASES}/{{name}}")),
    }
    listed = await client.get(place.fill(CREATE_INSIDE.path))
    if database := found["database"]:
        database["collections"] = [each["name"] for each in listed.json()]
    for pattern in ("{name}", "{name}-new"):
        collection = await client.get(f"{COLLECTIONS}/{place.fill(pattern)}")
        if collection.status_code == 404:
            found[pattern] = None
            continue
        assert collection.status_code == 200, collection.text
        uuid, metadata = collection.json()["id"], collection.json()["metadata"]
        got = await client.post(f"{COLLECTIONS}/{uuid}/get", json={"include": ALL})
        assert got.status_code == 200, got.text
        rows = [got.json()[column] for column in ("ids", *ALL)]
        found[pattern] = {"metadata": metadata, "rows": list(zip(*rows, strict=True))}
    return found


async def object_at(client: httpx.AsyncClient, path: str) -> dict[str, Any] | None:
    """Read a tenant or a database without its id and its name; None when there is none."""
    answer = await client.get(path)
    if answer.status_code == 404:
        return None
    assert answer.status_code == 200, answer.text
    return {key: value for key, value in answer.json().items() if key not in ("id", "name")}

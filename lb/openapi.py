"""The OpenAPI document of the load balancer's own endpoints; Chroma documents its API itself.

A test holds it against the routes and against real answers.
"""

from importlib.metadata import version

from aiohttp import web

from lb.endpoints import respond
from lb.openapi_shapes import (
    ANYTHING,
    COUNT,
    ERROR,
    FORBIDDEN,
    FORCE,
    HEALTH,
    IDENTITY,
    INSTANCE,
    LOG,
    MAPPING,
    MAPPING_BODY,
    QUARANTINED,
    REPAIR,
    REPAIR_BODY,
    STATUS,
    SUMMARY,
    TAKE_OVER,
    TEXT,
    TIME,
    UNAUTHORIZED,
    UNMANAGED,
    Schema,
    an_array,
    by_name,
    record,
)
from lb.transaction_endpoints import DEFAULT_LIMIT, LARGEST_LIMIT


def operation(
    summary: str,
    *answers: tuple[int, Schema],
    parameters: tuple[Schema, ...] = (),
    body: Schema | None = None,
) -> Schema:
    """Describe one method of a path; each answer is a status and the schema of its JSON body."""
    described: Schema = {
        "summary": summary,
        "responses": {
            str(status): {"description": summary if status < 300 else "why not"} | as_json(schema)
            for status, schema in answers
        },
    }
    if parameters:
        described["parameters"] = list(parameters)
    if body is not None:
        described["requestBody"] = {"required": True} | as_json(body)
    return described


def as_json(schema: Schema) -> Schema:
    """Describe a JSON body."""
    return {"content": {"application/json": {"schema": schema}}}


def as_it_is(
    summary: str,
    content_type: str,
    *refusals: tuple[int, Schema],
    parameters: tuple[Schema, ...] = (),
) -> Schema:
    """Describe a GET that answers something else than JSON."""
    described = operation(summary, (200, TEXT), UNAUTHORIZED, *refusals, parameters=parameters)
    described["responses"]["200"]["content"] = {content_type: {"schema": TEXT}}
    return described


def in_path(name: str) -> Schema:
    """Describe a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def in_query(name: str, schema: Schema) -> Schema:
    """Describe a filter."""
    return {"name": name, "in": "query", "required": False, "schema": schema}


def decision_on_quarantined(summary: str) -> Schema:
    """Describe what an administrator decides on one quarantined write."""
    return operation(
        summary,
        (200, record(transaction_id=TEXT, decision={"enum": ["released", "discarded"]})),
        UNAUTHORIZED,
        FORBIDDEN,
        (404, ERROR),
        (409, ERROR),
        (503, ERROR),
        parameters=(in_path("id"),),
    )


FILTERS = (
    in_query("state", SUMMARY["state"]),
    in_query("collection", TEXT),
    in_query("session", TEXT),
    in_query("since", TIME),
    in_query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    ),
)
PATHS: Schema = {
    "/": {"get": as_it_is("The live page, for people", "text/html")},
    "/page/{file}": {
        "get": as_it_is(
            "What the live page needs: page.css, page.js, icon.svg",
            "text/css",
            (404, ERROR),
            parameters=(in_path("file"),),
        )
    },
    "/events": {
        "get": as_it_is(
            "What the live page shows, as server-sent events: at each change of an instance's "
            "state and every second, the answer of /status and a `history` of two minutes",
            "text/event-stream",
            (503, ERROR),
        )
    },
    "/health": {
        "get": operation(
            "Whether it is of use to send requests here; for all", (200, HEALTH), (503, HEALTH)
        )
    },
    "/status": {"get": operation("Everything at once", (200, STATUS), UNAUTHORIZED)},
    "/wal/status": {"get": operation("Figures of the log", (200, LOG), UNAUTHORIZED)},
    "/wal/quarantine": {
        "get": operation(
            "Writes that may break an instance and wait for an administrator",
            (200, record(count=COUNT, quarantined=an_array(QUARANTINED))),
            UNAUTHORIZED,
            (503, ERROR),
        )
    },
    "/admin/quarantine/{id}/release": {
        "post": decision_on_quarantined("Send a quarantined write on")
    },
    "/admin/quarantine/{id}/discard": {
        "post": decision_on_quarantined("Let a quarantined write fail, on every instance"),
    },
    "/collection/mappings": {
        "get": operation(
            "Every collection with its UUID on each instance",
            (200, record(count=COUNT, mappings=an_array(MAPPING))),
            UNAUTHORIZED,
        )
    },
    "/collection/unmanaged": {
        "get": operation(
            "Collections that only some instances have, and that the catalogue does not know",
            (200, record(count=COUNT, unmanaged=an_array(UNMANAGED))),
            UNAUTHORIZED,
            (503, ERROR),
        )
    },
    "/admin/create_mapping": {
        "post": operation(
            "Restore a lost mapping, after checking each UUID",
            (200, record(collection_id=TEXT, name=TEXT, uuids=by_name(TEXT))),
            (400, ERROR),
            UNAUTHORIZED,
            FORBIDDEN,
            (503, ERROR),
            body=MAPPING_BODY,
        )
    },
    "/admin/collections/{name}/repair": {
        "post": operation(
            "Have instances that lack a collection, or hold it differently, get copies of it",
            (202, REPAIR),
            (400, ERROR),
            UNAUTHORIZED,
            FORBIDDEN,
            (404, ERROR),
            (409, ERROR),
            (503, ERROR),
            parameters=(in_path("name"),),
            body=REPAIR_BODY,
        )
    },
    "/admin/log/take-over": {
        "post": operation(
            "Have an empty log take over what the instances hold that another log has written",
            (200, IDENTITY),
            (400, ERROR),
            UNAUTHORIZED,
            FORBIDDEN,
            (409, ERROR),
            (503, ERROR),
            body=TAKE_OVER,
        )
    },
    "/metrics": {"get": as_it_is("The figures for Prometheus", "text/plain")},
    "/openapi.json": {
        "get": operation("This document", (200, {"type": "object"}), UNAUTHORIZED),
    },
    "/transactions": {
        "get": operation(
            "Transactions, newest first",
            (200, record(transactions=an_array(record(**SUMMARY)))),
            (400, ERROR),
            UNAUTHORIZED,
            (503, ERROR),
            parameters=FILTERS,
        )
    },
    "/transactions/{id}": {
        "get": operation(
            "What became of a write",
            (200, record(**SUMMARY, body=ANYTHING)),
            UNAUTHORIZED,
            (404, ERROR),
            (503, ERROR),
            parameters=(in_path("id"),),
        )
    },
    "/admin/instances": {
        "get": operation(
            "Each instance's state",
            (200, record(instances=an_array(INSTANCE))),
            UNAUTHORIZED,
            FORBIDDEN,
        )
    },
    "/admin/instances/{name}/health": {
        "post": operation(
            "Impose a state on an instance for a time",
            (200, INSTANCE),
            (400, ERROR),
            UNAUTHORIZED,
            FORBIDDEN,
            (404, ERROR),
            parameters=(in_path("name"),),
            body=FORCE,
        )
    },
    "/admin/compare": {
        "post": operation(
            "Compare all collections on all instances now, and repair what differs",
            (200, {"type": "object", "required": ["comparisons"]}),
            UNAUTHORIZED,
            FORBIDDEN,
            (503, ERROR),
        )
    },
}
DOCUMENT: Schema = {
    "openapi": "3.1.0",
    "info": {
        "title": "chroma-lb",
        "version": version("chroma-chaos"),
        "description": "The load balancer's own endpoints. Chroma's API is below /api/v2.",
    },
    "paths": PATHS,
    "components": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "password": {
                "type": "http",
                "scheme": "basic",
                "description": "for a browser, on /, /page and /events: the token as password",
            },
        }
    },
    "security": [{"token": []}, {}],
}


async def serve(_: web.Request) -> web.StreamResponse:
    """Answer the document."""
    return respond(DOCUMENT)

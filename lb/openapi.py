"""The OpenAPI document of the load balancer's own endpoints; Chroma documents its API itself.

A test holds it against the routes and against real answers.
"""

from dataclasses import fields
from importlib.metadata import version
from typing import Any

from aiohttp import web

from lb.endpoints import LONGEST_FORCE_SECONDS, respond
from lb.instances import State
from lb.pruner import LogSize
from lb.transaction_endpoints import DEFAULT_LIMIT, LARGEST_LIMIT
from lb.transactions import TransactionState

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TRUTH: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}


def record(**fields: Schema) -> Schema:
    """Describe an object that has all of these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def an_array(of: Schema) -> Schema:
    """Describe an array."""
    return {"type": "array", "items": of}


def by_name(of: Schema) -> Schema:
    """Describe an object whose keys are names, of instances for example."""
    return {"type": "object", "additionalProperties": of}


def nullable(schema: Schema) -> Schema:
    """Describe what may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


ERROR = record(error=TEXT, message=TEXT)
UNAUTHORIZED, FORBIDDEN = (401, ERROR), (403, ERROR)
INSTANCE = record(
    name=TEXT,
    url=TEXT,
    state={"enum": [state.value for state in State]},
    healthy=TRUTH,
    cause=TEXT,
    since=TIME,
    transitions=COUNT,
    forced=nullable(TRUTH),
    forced_seconds_left=NUMBER,
    pending_entries=COUNT,
    outstanding_reads=COUNT,
    last_error=TEXT,
    rebuild=nullable(
        record(
            **dict.fromkeys(("collections_to_go", "leftovers"), COUNT),
            **dict.fromkeys(("copied_collections", "copied_documents"), COUNT),
            copying=nullable(TEXT),
            last_failure=TEXT,
        )
    ),
)
LOG = record(
    available=TRUTH,
    lead_confirmed=TRUTH,
    last_position=COUNT,
    pending_entries=by_name(COUNT),
    oldest_pending_age_seconds=NUMBER,
    successful_syncs=COUNT,
    failed_syncs=COUNT,
    sync_cycles=COUNT,
    appended=COUNT,
    commits=COUNT,
    waiting_for_commit=COUNT,
    unsettled_entries=COUNT,
    quarantined=COUNT,
    **dict.fromkeys((size.name for size in fields(LogSize)), COUNT),
)
STATUS = record(
    version=TEXT,
    role={"enum": ["active", "standby"]},
    uptime_seconds=NUMBER,
    healthy_instances=COUNT,
    instances=an_array(INSTANCE),
    collections=COUNT,
    log=LOG,
    comparison=by_name(ANYTHING),
    transactions=record(
        by_state=record(**{state.value: COUNT for state in TransactionState}),
        recovery_seconds=record(median=nullable(NUMBER), worst=nullable(NUMBER)),
    ),
    requests=record(in_flight=COUNT, served=COUNT, server_errors=COUNT),
    process=record(rss_bytes=COUNT, cpu_percent=NUMBER, cpu_seconds=NUMBER),
)
HEALTH = record(
    status={"enum": ["ok", "degraded"]},
    role={"enum": ["active", "standby"]},
    log_available=TRUTH,
    healthy_instances=COUNT,
)
MAPPING = record(
    collection_id=TEXT,
    name=TEXT,
    tenant=TEXT,
    database=TEXT,
    state=TEXT,
    uuids=by_name(TEXT),
    complete=TRUTH,
)
QUARANTINED = record(
    position=COUNT,
    transaction_id=TEXT,
    kind=TEXT,
    collection=TEXT,
    collection_id=TEXT,
    since=TIME,
    reason=TEXT,
    failures=an_array(record(instance=TEXT, error=TEXT, at=TIME, excuse=nullable(TEXT))),
)
UNMANAGED = record(name=TEXT, tenant=TEXT, database=TEXT, uuids=by_name(TEXT))
MAPPING_BODY: Schema = {
    "type": "object",
    "description": "one id for each instance, such as primary_id",
    "properties": {
        "collection_name": TEXT,
        "tenant": TEXT,
        "database": TEXT,
        "primary_id": TEXT,
        "replica_id": TEXT,
    },
    "required": ["collection_name", "primary_id", "replica_id"],
}
REPAIR = record(
    collection_id=TEXT,
    name=TEXT,
    source=nullable(TEXT),
    copied_to=an_array(TEXT),
    deleted=by_name(an_array(TEXT)),
    checked=by_name(TEXT),
)
REPAIR_BODY: Schema = {
    "type": "object",
    "description": "`from` is the instance that is right; all others get its collection",
    "properties": {"tenant": TEXT, "database": TEXT, "from": TEXT},
    "additionalProperties": False,
}
SUMMARY: dict[str, Schema] = {
    "transaction_id": TEXT,
    "state": {"enum": [state.value for state in TransactionState]},
    "status": nullable(COUNT),
    "kind": TEXT,
    "path": TEXT,
    "collection_id": TEXT,
    "session": TEXT,
    "position": COUNT,
    "attempts": COUNT,
    "told_to_wait": TRUTH,
    "logged_at": TIME,
    "settled_at": nullable(TIME),
    "seconds": nullable(NUMBER),
}


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
FORCE: Schema = {
    "type": "object",
    "properties": {
        "healthy": TRUTH,
        "duration_seconds": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": LONGEST_FORCE_SECONDS,
            "default": 60,
        },
    },
    "required": ["healthy"],
    "additionalProperties": False,
}
PATHS: Schema = {
    "/health": {
        "get": operation("Whether requests can be served; for all", (200, HEALTH), (503, HEALTH))
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
    "/metrics": {
        "get": {
            "summary": "The figures for Prometheus",
            "responses": {
                "200": {"description": "the figures", "content": {"text/plain": {"schema": TEXT}}},
                "401": {"description": "why not"} | as_json(ERROR),
            },
        }
    },
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
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}, {}],
}


async def serve(_: web.Request) -> web.StreamResponse:
    """Answer the document."""
    return respond(DOCUMENT)

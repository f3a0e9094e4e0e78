"""The shapes of what our own endpoints take and answer, as JSON Schema; `openapi` uses them."""

from dataclasses import fields
from typing import Any

from lb.endpoints import LONGEST_FORCE_SECONDS
from lb.instances import State
from lb.marks import Fit
from lb.pruner import LogSize
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


def spread(*percentiles: str) -> Schema:
    """Describe how durations were distributed; null where there were none."""
    return record(count=COUNT, **dict.fromkeys((*percentiles, "max"), nullable(NUMBER)))


ERROR = record(error=TEXT, message=TEXT)
STATES: Schema = {"enum": [state.value for state in State]}
UNAUTHORIZED, FORBIDDEN = (401, ERROR), (403, ERROR)
INSTANCE = record(
    name=TEXT,
    url=TEXT,
    state=STATES,
    healthy=TRUTH,
    cause=TEXT,
    since=TIME,
    transitions=COUNT,
    forced=nullable(TRUTH),
    forced_seconds_left=NUMBER,
    pending_entries=COUNT,
    lag_seconds=NUMBER,
    replication_seconds=spread("p50", "p95"),
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
IDENTITY = record(
    log_id=TEXT,
    conflict=TEXT,
    marks=by_name(
        record(
            fit={"enum": [fit.value for fit in Fit]},
            log_id=nullable(TEXT),
            position=nullable(COUNT),
        )
    ),
)
TAKE_OVER: Schema = {
    "type": "object",
    "description": "`from_log` is the `log_id` of the instances' marks in /status",
    "properties": {"from_log": TEXT},
    "required": ["from_log"],
    "additionalProperties": False,
}
TRANSITION = record(number=COUNT, at=TIME, instance=TEXT, to=STATES, cause=TEXT, **{"from": STATES})
STATUS = record(
    generated_at=TIME,
    version=TEXT,
    commit=TEXT,
    role={"enum": ["active", "standby"]},
    uptime_seconds=NUMBER,
    healthy_instances=COUNT,
    instances=an_array(INSTANCE),
    collections=COUNT,
    log=LOG,
    identity=nullable(IDENTITY),
    comparison=by_name(ANYTHING),
    transactions=record(
        by_state=record(**{state.value: COUNT for state in TransactionState}),
        recovery_seconds=record(median=nullable(NUMBER), worst=nullable(NUMBER)),
    ),
    requests=record(in_flight=COUNT, served=COUNT, server_errors=COUNT),
    throughput=record(
        requests_per_second=NUMBER, reads_per_second=NUMBER, writes_per_second=NUMBER
    ),
    latency_seconds=record(read=spread("p50", "p95", "p99"), write=spread("p50", "p95", "p99")),
    last_transitions=an_array(TRANSITION),
    memory=record(
        **dict.fromkeys(("limit_bytes", "rss_bytes"), COUNT),
        pressure=NUMBER,
        **dict.fromkeys(("window_entries", "window_documents", "window_bytes"), COUNT),
        **dict.fromkeys(("bodies_bytes", "budget_bytes"), COUNT),
        **dict.fromkeys(("waiting_for_budget", "refused_for_budget"), COUNT),
    ),
    process=record(rss_bytes=COUNT, cpu_percent=NUMBER, cpu_seconds=NUMBER),
)
HEALTH = record(
    status={"enum": ["ok", "degraded", "unavailable"]},
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

"""Chroma's v2 paths: what a request asks for, decided purely from its method and raw path."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote, unquote
from uuid import UUID

from lb.errors import BadRequestError, MethodNotAllowedError, NotFoundError, UnsupportedError
from lb.model import Kind

PREFIX = "/api/v2"

CANARY_DATABASE = "chroma-lb-canary"
"""The load balancer's own database on each instance; clients are told that it does not exist."""


# Clients ask for the same few paths again and again.
@lru_cache(maxsize=1024)
def quoted(segment: str) -> str:
    """Percent-encode a segment of a path."""
    return quote(segment, safe="")


class Read(StrEnum):
    """A request that changes nothing."""

    SERVER = "server"
    """About no data: any instance answers the same."""
    NAMESPACE = "namespace"
    """A tenant or a database."""
    LIST_DATABASES = "list_databases"
    LIST = "list"
    COUNT_COLLECTIONS = "count_collections"
    COLLECTION = "collection"
    COLLECTION_BY_ID = "collection_by_id"
    RECORDS = "records"
    """get, query, count and what else reads the documents of a collection."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for. `rest` is the path below the collection, such as `add`."""

    action: Kind | Read
    tenant: str = ""
    database: str = ""
    reference: str = ""
    rest: str = ""

    @property
    def database_path(self) -> str:
        """The path of the database, percent-encoded."""
        tenant, database = quoted(self.tenant), quoted(self.database)
        return f"{PREFIX}/tenants/{tenant}/databases/{database}"

    @property
    def namespace_path(self) -> str:
        """The path that a write of a tenant or database is sent to, percent-encoded."""
        match self.action:
            case Kind.CREATE_TENANT:
                return f"{PREFIX}/tenants"
            case Kind.MODIFY_TENANT:
                return f"{PREFIX}/tenants/{quoted(self.tenant)}"
            case Kind.CREATE_DATABASE:
                return f"{PREFIX}/tenants/{quoted(self.tenant)}/databases"
            case _:
                return self.database_path

    def collection_path(self, reference: object, rest: str | None = None) -> str:
        """Return the path of a collection, or below it, with `reference` as its name or id."""
        path = f"{self.database_path}/collections/{quoted(str(reference))}"
        rest = self.rest if rest is None else rest
        return f"{path}/{rest}" if rest else path

    def by_id_path(self, uuid: UUID | str) -> str:
        """Return the path that answers a collection's object for an instance's UUID of it."""
        return f"{self.database_path}/collections/by-id/{quoted(str(uuid))}"


SERVER_READS = frozenset(
    {"", "/heartbeat", "/healthcheck", "/version", "/pre-flight-checks", "/auth/identity"}
)
WRITES_BELOW = {kind.value: kind for kind in (Kind.ADD, Kind.UPDATE, Kind.UPSERT, Kind.DELETE)}
READS_BELOW = {"count": "GET", "indexing_status": "GET", "get": "POST", "query": "POST"}
NOT_REPLICATED = frozenset({"fork", "fork_count", "search", "functions", "attached_functions"})


@lru_cache(maxsize=1024)
def parse_target(method: str, raw_path: str) -> Target:
    """Tell what a request under /api/v2 asks for.

    Raises a `RequestError` for what does not exist, is not replicated, or is not a plain path.
    """
    segments = _segments(raw_path)
    method = "GET" if method == "HEAD" else method
    match segments:
        case ["tenants", tenant, "databases", database, *rest] if rest[:1] == ["collections"]:
            return _below_collections(method, tenant, database, rest[1:])
        case ["tenants", tenant, "databases", database, "collections_count"]:
            _require(method, "GET")
            return Target(Read.COUNT_COLLECTIONS, tenant, database)
        case ["tenants"]:
            return _namespace(method, "", "", POST=Kind.CREATE_TENANT)
        case ["tenants", tenant]:
            return _namespace(method, tenant, "", GET=Read.NAMESPACE, PATCH=Kind.MODIFY_TENANT)
        case ["tenants", tenant, "databases"]:
            return _namespace(
                method, tenant, "", GET=Read.LIST_DATABASES, POST=Kind.CREATE_DATABASE
            )
        case ["tenants", tenant, "databases", database]:
            return _namespace(
                method, tenant, database, GET=Read.NAMESPACE, DELETE=Kind.DROP_DATABASE
            )
        case ["reset"]:
            _require(method, "POST")
            raise UnsupportedError("reset is not available through the load balancer")
    if raw_path.removeprefix(PREFIX) in SERVER_READS:
        _require(method, "GET")
        return Target(Read.SERVER)
    raise NotFoundError(f"no such path: {raw_path}")


def _segments(raw_path: str) -> list[str]:
    below = raw_path.removeprefix(PREFIX).removeprefix("/")
    segments = [unquote(part) for part in below.split("/")] if below else []
    if segments and not segments[-1]:
        raise NotFoundError(f"no such path: {raw_path}")
    if CANARY_DATABASE in segments[3:4]:
        raise NotFoundError(f"Database [{CANARY_DATABASE}] does not exist")
    for segment in segments:
        if segment in (".", "..") or "/" in segment or "\x00" in segment:
            raise BadRequestError("the path has a segment that is not a plain name")
    return segments


def _namespace(method: str, tenant: str, database: str, **actions: Kind | Read) -> Target:
    _require(method, *actions)
    return Target(actions[method], tenant, database)


def _below_collections(method: str, tenant: str, database: str, rest: list[str]) -> Target:
    match rest:
        case []:
            _require(method, "GET", "POST")
            return Target(Kind.CREATE if method == "POST" else Read.LIST, tenant, database)
        # A collection may have the name `by-id`, and entries of the log name their collection.
        case ["by-id", reference] if (method, reference in WRITES_BELOW) != ("POST", True):
            _require(method, "GET")
            return Target(Read.COLLECTION_BY_ID, tenant, database, reference)
        case [reference]:
            _require(method, "GET", "PUT", "DELETE")
            actions: dict[str, Kind | Read] = {
                "GET": Read.COLLECTION,
                "PUT": Kind.MODIFY,
                "DELETE": Kind.DROP,
            }
            return Target(actions[method], tenant, database, reference)
        case [reference, operation] if operation in WRITES_BELOW:
            _require(method, "POST")
            return Target(WRITES_BELOW[operation], tenant, database, reference, operation)
        case [reference, operation] if operation in READS_BELOW:
            _require(method, READS_BELOW[operation])
            return Target(Read.RECORDS, tenant, database, reference, operation)
        case [_, operation, *_] if operation in NOT_REPLICATED:
            raise UnsupportedError(f"{operation} is not available in single-node Chroma")
    raise NotFoundError(f"no such path below collections: {'/'.join(rest)}")


def _require(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise MethodNotAllowedError(f"use {' or '.join(allowed)} here")

import pytest

from lb.errors import (
    BadRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RequestError,
    UnsupportedError,
)
from lb.model import Kind
from lb.paths import Read, Target, parse_target

T, D = "default_tenant", "default_database"
DATABASE = f"/api/v2/tenants/{T}/databases/{D}"
ID = "1edd529f-c6c8-4133-be3a-729f97587a9a"
BELOW = f"{DATABASE}/collections/{ID}"

# Every request that chromadb/api/fastapi.py of 1.5.9 makes for collections and documents.
CLIENT_ROUTES = [
    ("GET", "/api/v2/heartbeat", Target(Read.SERVER)),
    ("GET", "/api/v2/version", Target(Read.SERVER)),
    ("GET", "/api/v2/pre-flight-checks", Target(Read.SERVER)),
    ("GET", "/api/v2/auth/identity", Target(Read.SERVER)),
    ("POST", "/api/v2/tenants", Target(Kind.CREATE_TENANT)),
    ("GET", f"/api/v2/tenants/{T}", Target(Read.NAMESPACE, T)),
    ("PATCH", f"/api/v2/tenants/{T}", Target(Kind.MODIFY_TENANT, T)),
    ("GET", f"/api/v2/tenants/{T}/databases", Target(Read.LIST_DATABASES, T)),
    ("POST", f"/api/v2/tenants/{T}/databases", Target(Kind.CREATE_DATABASE, T)),
    ("GET", DATABASE, Target(Read.NAMESPACE, T, D)),
    ("DELETE", DATABASE, Target(Kind.DROP_DATABASE, T, D)),
    ("GET", f"{DATABASE}/collections", Target(Read.LIST, T, D)),
    ("GET", f"{DATABASE}/collections_count", Target(Read.COUNT_COLLECTIONS, T, D)),
    ("POST", f"{DATABASE}/collections", Target(Kind.CREATE, T, D)),
    ("GET", f"{DATABASE}/collections/files", Target(Read.COLLECTION, T, D, "files")),
    ("GET", f"{DATABASE}/collections/by-id/{ID}", Target(Read.COLLECTION_BY_ID, T, D, ID)),
    ("PUT", BELOW, Target(Kind.MODIFY, T, D, ID)),
    ("DELETE", f"{DATABASE}/collections/files", Target(Kind.DROP, T, D, "files")),
    ("GET", f"{BELOW}/count", Target(Read.RECORDS, T, D, ID, "count")),
    ("GET", f"{BELOW}/indexing_status", Target(Read.RECORDS, T, D, ID, "indexing_status")),
    ("POST", f"{BELOW}/get", Target(Read.RECORDS, T, D, ID, "get")),
    ("POST", f"{BELOW}/query", Target(Read.RECORDS, T, D, ID, "query")),
    ("POST", f"{BELOW}/add", Target(Kind.ADD, T, D, ID, "add")),
    ("POST", f"{BELOW}/update", Target(Kind.UPDATE, T, D, ID, "update")),
    ("POST", f"{BELOW}/upsert", Target(Kind.UPSERT, T, D, ID, "upsert")),
    ("POST", f"{BELOW}/delete", Target(Kind.DELETE, T, D, ID, "delete")),
]


@pytest.mark.parametrize(("method", "path", "target"), CLIENT_ROUTES)
def test_every_route_of_the_official_client_is_understood(
    method: str, path: str, target: Target
) -> None:
    assert parse_target(method, path) == target


@pytest.mark.parametrize(("method", "path", "target"), CLIENT_ROUTES)
def test_every_route_refuses_a_method_that_it_does_not_have(
    method: str, path: str, target: Target
) -> None:
    with pytest.raises((MethodNotAllowedError, UnsupportedError)):
        parse_target("TRACE", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{BELOW}/add"),
        ("PUT", f"{BELOW}/delete"),
        ("DELETE", f"{BELOW}/get"),
        ("POST", f"{BELOW}/count"),
        ("POST", BELOW),
        ("DELETE", f"{DATABASE}/collections"),
        ("POST", f"{DATABASE}/collections_count"),
        ("POST", f"{DATABASE}/collections/by-id/{ID}"),
        ("POST", "/api/v2/heartbeat"),
        ("GET", "/api/v2/reset"),
        ("HEAD", f"{BELOW}/get"),
    ],
)
def test_a_known_path_with_a_wrong_method_is_a_405(method: str, path: str) -> None:
    with pytest.raises(MethodNotAllowedError, match="use "):
        parse_target(method, path)


@pytest.mark.parametrize(
    ("method", "path", "target"), [row for row in CLIENT_ROUTES if row[0] == "GET"]
)
def test_head_is_taken_as_get(method: str, path: str, target: Target) -> None:
    assert parse_target("HEAD", path) == target


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v2/reset"),
        ("POST", f"{BELOW}/fork"),
        ("GET", f"{BELOW}/fork_count"),
        ("POST", f"{BELOW}/search"),
        ("POST", f"{BELOW}/functions/attach"),
        ("POST", f"{BELOW}/attached_functions/summary/detach"),
    ],
)
def test_what_is_not_replicated_is_refused_and_never_taken_for_a_read(
    method: str, path: str
) -> None:
    with pytest.raises(UnsupportedError):
        parse_target(method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/unknown",
        "/api/v2/heartbeat/",
        "/api/v2/HEARTBEAT",
        f"{DATABASE}/unknown",
        f"{BELOW}/unknown",
        f"{BELOW}/get/more",
        f"{DATABASE}/collections/by-id/{ID}/get",
        f"{DATABASE}/collections_count/more",
        "http://other.example/api/v2/heartbeat",
        f"//other.example{DATABASE}/collections",
    ],
)
def test_an_unknown_path_is_a_404(path: str) -> None:
    with pytest.raises(NotFoundError, match="no such path"):
        parse_target("GET", path)


@pytest.mark.parametrize("part", ["..", ".", "%2e%2e", "%2E", "a%2Fb", "a%2fb", "%00", "a%00b"])
@pytest.mark.parametrize(
    "shape",
    [
        "/api/v2/{}",
        "/api/v2/tenants/{}",
        "/api/v2/tenants/{}/databases/d",
        "/api/v2/tenants/t/databases/{}/collections",
        "/api/v2/tenants/t/databases/d/collections/{}",
        "/api/v2/tenants/t/databases/d/collections/{}/get",
        "/api/v2/tenants/t/databases/d/collections/x/{}",
    ],
)
def test_a_segment_that_could_lead_elsewhere_is_refused(shape: str, part: str) -> None:
    with pytest.raises(BadRequestError, match="not a plain name"):
        parse_target("GET", shape.format(part))


def test_an_absolute_url_never_becomes_a_target_on_another_host() -> None:
    with pytest.raises(RequestError):
        parse_target("POST", f"http://other.example{BELOW}/add")


def test_encoded_names_are_decoded_once_and_encoded_again_for_the_instance() -> None:
    target = parse_target("GET", "/api/v2/tenants/t%20%C3%BC/databases/d%2525/collections/a%3Fb")

    assert (target.tenant, target.database, target.reference) == ("t ü", "d%25", "a?b")
    assert target.collection_path(target.reference) == (
        "/api/v2/tenants/t%20%C3%BC/databases/d%2525/collections/a%3Fb"
    )


def test_an_empty_segment_stays_an_empty_name() -> None:
    assert parse_target("GET", f"/api/v2/tenants//databases/{D}/collections") == Target(
        Read.LIST, "", D
    )
    assert parse_target("POST", f"{DATABASE}/collections//add").reference == ""


def test_the_path_of_a_write_carries_the_instance_uuid_in_place_of_the_reference() -> None:
    target = parse_target("POST", f"{DATABASE}/collections/files/add")

    assert target.collection_path(ID) == f"{BELOW}/add"
    assert target.collection_path("files", "") == f"{DATABASE}/collections/files"
    assert target.by_id_path(ID) == f"{DATABASE}/collections/by-id/{ID}"


@pytest.mark.parametrize(
    "path", [f"{DATABASE}/collections/", f"{DATABASE}/collections/files/", f"{DATABASE}/"]
)
def test_a_trailing_slash_is_another_path_as_it_is_in_plain_chroma(path: str) -> None:
    with pytest.raises(NotFoundError):
        parse_target("GET", path)


@pytest.mark.parametrize("kind", [Kind.ADD, Kind.UPDATE, Kind.UPSERT, Kind.DELETE])
def test_a_collection_that_is_called_by_id_can_be_written_to(kind: Kind) -> None:
    """Entries of the log name their collection; one that cannot be parsed could never be sent."""
    path = f"{DATABASE}/collections/by-id/{kind}"

    target = parse_target("POST", path)

    assert (target.action, target.reference, target.rest) == (kind, "by-id", kind.value)

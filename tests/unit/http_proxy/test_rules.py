import pytest

from harness.http_proxy.rules import What

COLLECTIONS = "/api/v2/tenants/t/databases/d/collections"


@pytest.mark.parametrize(
    ("method", "path", "meant_by"),
    [
        ("GET", "/api/v2/heartbeat", {"all", "heartbeat"}),
        ("GET", "/api/v2/healthcheck", {"all", "heartbeat"}),
        ("GET", f"{COLLECTIONS}?limit=9", {"all", "reads"}),
        ("GET", f"{COLLECTIONS}/id/count", {"all", "reads"}),
        ("POST", f"{COLLECTIONS}/id/get", {"all", "reads", "get"}),
        ("POST", f"{COLLECTIONS}/id/query?limit=1", {"all", "reads", "query"}),
        ("POST", COLLECTIONS, {"all", "writes", "create"}),
        ("POST", f"{COLLECTIONS}/id/add", {"all", "writes", "add"}),
        ("POST", f"{COLLECTIONS}/id/upsert", {"all", "writes", "upsert"}),
        ("POST", f"{COLLECTIONS}/id/update", {"all", "writes", "update"}),
        ("POST", f"{COLLECTIONS}/id/delete", {"all", "writes", "delete"}),
        ("DELETE", f"{COLLECTIONS}/name", {"all", "writes"}),
        ("PUT", f"{COLLECTIONS}/id", {"all", "writes"}),
    ],
)
def test_each_request_is_meant_by_the_words_for_it_and_no_others(
    method: str, path: str, meant_by: set[str]
) -> None:
    assert {what.value for what in What if what.means(method, path)} == meant_by

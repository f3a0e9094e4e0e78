import re

from jsonschema import Draft202012Validator

from lb.app import own_routes
from lb.guard_endpoints import GuardEndpoints
from lb.live_page import LivePage
from lb.mapping_endpoints import MappingEndpoints
from lb.openapi import DOCUMENT
from lb.quarantine_endpoints import QuarantineEndpoints
from lb.repair_endpoints import RepairEndpoints

OPERATIONS = [
    (path, method, described)
    for path, methods in DOCUMENT["paths"].items()
    for method, described in methods.items()
]


def test_every_route_is_documented_and_nothing_else() -> None:
    routes = {
        (re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path), route.method.lower())
        for route in own_routes(
            None,
            None,
            LivePage(None),
            MappingEndpoints(()),
            RepairEndpoints(),
            QuarantineEndpoints(),
            GuardEndpoints(),
        )
    }

    assert routes == {(path, method) for path, method, _ in OPERATIONS}


def test_the_parameters_of_a_path_are_described() -> None:
    for path, _, described in OPERATIONS:
        named = {p["name"] for p in described.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_every_schema_is_one() -> None:
    for _, _, described in OPERATIONS:
        for answer in described["responses"].values():
            for content in answer["content"].values():
                Draft202012Validator.check_schema(content["schema"])

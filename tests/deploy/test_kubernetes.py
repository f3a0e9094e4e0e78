"""The manifests are valid for Kubernetes, fit together, and fit the load balancer."""

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from lb.config import Settings, load_settings
from lb.farewell import FAREWELL_SECONDS
from tests.deploy.documents import PROJECT, read_yaml, rendered

OVERLAYS = ("base", "trial", "load")
# The oldest and the newest of the versions that Kubernetes supports at the end of 2026.
VERSIONS = ("1.35", "1.37")
CLOSING_SECONDS = 5


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Any]:
    return rendered(request.param)


def of_kind(objects: list[Any], *kinds: str) -> list[Any]:
    return [each for each in objects if each["kind"] in kinds]


def named(objects: list[Any], kind: str, name: str) -> Any:
    (found,) = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == name]
    return found


def templates(objects: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each workload's name and the template of its pods."""
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        yield each["metadata"]["name"], each["spec"]["template"]


def containers(objects: list[Any]) -> Iterator[tuple[str, Any]]:
    for name, template in templates(objects):
        for container in template["spec"]["containers"]:
            yield name, container


def variables(container: Any) -> dict[str, Any]:
    return {each["name"]: each for each in container.get("env", [])}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_what_kubernetes_schema_asks_for(objects: list[Any], version: str) -> None:
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda o: o["spec"].update(replica=2), id="misspelt field"),
        pytest.param(lambda o: o["spec"].update(replicas="2"), id="wrong type"),
        pytest.param(lambda o: o["spec"].pop("selector"), id="missing field"),
    ],
)
def test_the_schema_refuses_what_kubernetes_would_refuse(change: Any) -> None:
    deployment = named(rendered("base"), "Deployment", "lb")
    change(deployment)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def test_services_budgets_and_policies_select_pods_that_are_there(objects: list[Any]) -> None:
    labels = [template["metadata"]["labels"] for _, template in templates(objects)]
    selectors = [each["spec"]["selector"] for each in of_kind(objects, "Service")]
    budgets = of_kind(objects, "PodDisruptionBudget")
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in budgets]
    for policy in of_kind(objects, "NetworkPolicy"):
        selectors.append(policy["spec"]["podSelector"]["matchLabels"])
        for rule in policy["spec"]["ingress"]:
            selectors += [peer["podSelector"]["matchLabels"] for peer in rule["from"]]
    assert selectors
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector


def test_every_port_that_is_named_is_one_of_the_container(objects: list[Any]) -> None:
    named_ports = {p["name"] for _, c in containers(objects) for p in c.get("ports", [])}
    for service in of_kind(objects, "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named_ports


def test_no_secret_is_included(objects: list[Any]) -> None:
    assert of_kind(objects, "Secret") == []
    secret = {name.upper() for name, each in Settings.model_fields.items() if each.repr is False}
    for _, container in containers(objects):
        for name, each in variables(container).items():
            if name in secret or name.endswith(("PASSWORD", "TOKEN", "DATABASE_URL")):
                assert each["valueFrom"]["secretKeyRef"]["name"] == "chroma-lb"


def test_containers_may_do_little_and_have_limits(objects: list[Any]) -> None:
    for name, template in templates(objects):
        assert template["spec"]["automountServiceAccountToken"] is False
        assert template["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        # What Chroma's public image needs was not tried here.
        chroma = name.startswith("chroma")
        assert chroma or template["spec"]["securityContext"]["runAsNonRoot"] is True
    for name, container in containers(objects):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        if not name.startswith("chroma"):
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.fixture
def lb() -> Any:
    return named(rendered("base"), "Deployment", "lb")


def test_the_load_balancer_starts_with_its_environment(
    lb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = lb["spec"]["template"]["spec"]["containers"]
    given = variables(container)
    assert set(given) <= {name.upper() for name in Settings.model_fields}
    for name, each in given.items():
        is_url = name == "DATABASE_URL"
        monkeypatch.setenv(name, each.get("value", "postgresql://h/d" if is_url else "secret"))
    settings = load_settings()

    services = {each["metadata"]["name"] for each in of_kind(rendered("base"), "Service")}
    hosts = {url.split("/")[2].partition(":")[0] for url in settings.instance_urls.values()}
    assert hosts == {"chroma-primary", "chroma-replica"}
    assert hosts <= services
    longest = FAREWELL_SECONDS + 2 * settings.shutdown_seconds + CLOSING_SECONDS
    assert lb["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= longest
    assert settings.standby_hold_seconds > settings.shutdown_seconds
    # Two that are both ready would ask each other in turn; the front finds the active one.
    assert not settings.take_over_on_request


def test_there_is_a_standby_and_each_may_be_moved(lb: Any) -> None:
    assert lb["spec"]["replicas"] == 2
    assert lb["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    budget = named(rendered("base"), "PodDisruptionBudget", "lb")
    assert budget["spec"]["maxUnavailable"] == 1
    affinity = lb["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
    assert affinity["preferredDuringSchedulingIgnoredDuringExecution"]


def test_the_load_balancer_runs_as_its_image_does(lb: Any) -> None:
    template = lb["spec"]["template"]["spec"]
    (container,) = template["containers"]
    user = f"{template['securityContext']['runAsUser']}:{template['securityContext']['runAsGroup']}"
    assert f"\nUSER {user}\n" in (PROJECT / "compose/lb/Dockerfile").read_text()
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"] == {"memory": "400Mi"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}


def test_a_restart_waits_longer_than_an_outage_that_it_would_not_help(lb: Any) -> None:
    (container,) = lb["spec"]["template"]["spec"]["containers"]
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


def test_the_front_is_rolled_out_anew_when_its_configuration_changes() -> None:
    base = rendered("base")
    (config,) = of_kind(base, "ConfigMap")
    front = named(base, "Deployment", "lb-front")["spec"]["template"]["spec"]
    assert front["volumes"][0]["configMap"]["name"] == config["metadata"]["name"] != "lb-front"


def test_the_front_is_given_the_name_that_its_configuration_asks_for() -> None:
    base = rendered("base")
    (config,) = of_kind(base, "ConfigMap")
    front = named(base, "Deployment", "lb-front")["spec"]["template"]["spec"]["containers"][0]
    wanted = set(re.findall(r"\$\{(\w+)\}", config["data"]["haproxy.cfg"]))
    assert wanted == {"LB_PODS"}
    service, _, domain = variables(front)["LB_PODS"]["value"].partition(".")
    assert domain == "$(NAMESPACE).svc.cluster.local"
    # Without an address of its own the name has those of all pods.
    assert named(base, "Service", service)["spec"]["clusterIP"] == "None"


def test_the_instances_are_alike_and_of_the_version_that_is_tested() -> None:
    base = rendered("base")
    first, second = (named(base, "StatefulSet", f"chroma-{r}") for r in ("primary", "replica"))
    assert str(first).replace("primary", "replica") == str(second)
    version = first["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
    assert f'name = "chromadb"\nversion = "{version}"' in (PROJECT / "uv.lock").read_text()


def test_the_trial_is_the_base_and_a_database() -> None:
    names = {each["metadata"]["name"] for each in rendered("trial")}
    assert names == {each["metadata"]["name"] for each in rendered("base")} | {"postgres"}


def test_locusts_workers_reach_their_master_and_it_the_front() -> None:
    load = rendered("load")
    by_name = dict(containers(load))
    assert "--master-host=locust" in by_name["locust-worker"]["args"]
    assert "--host=http://lb:8000" in by_name["locust-master"]["args"]
    assert named(load, "Service", "locust")
    assert named(rendered("base"), "Service", "lb")["spec"]["ports"][0]["port"] == 8000
    assert named(load, "Deployment", "locust-worker")["spec"]["replicas"] == 4
    for container in by_name.values():
        assert (PROJECT / container["args"][1]).is_file()


def test_images_have_a_version(objects: list[Any]) -> None:
    for _, container in containers(objects):
        assert container["image"].rpartition(":")[2] not in ("", "latest")
    for overlay in OVERLAYS:
        for image in read_yaml(f"compose/kubernetes/{overlay}/kustomization.yaml").get(
            "images", []
        ):
            assert image["newName"].startswith("registry.example.com/")

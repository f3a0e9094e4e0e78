"""The experiments of Chaos Mesh have only documented fields, and hit pods that are there."""

import copy
import re
from typing import Any

import jsonschema
import pytest

from harness.faults.registry import FAULTS
from harness.runner.scenarios.registry import SCENARIOS
from tests.deploy.documents import PROJECT, read_yaml, rendered, schema

FOLDER = "compose/kubernetes/chaos"
EXPERIMENTS = sorted(path.name for path in (PROJECT / FOLDER).glob("*.yaml"))


def refused(experiment: Any) -> bool:
    checker = jsonschema.Draft202012Validator(schema("chaos-mesh"))
    return bool(list(checker.iter_errors(experiment)))


def spec_of(experiment: Any) -> Any:
    spec = experiment["spec"]
    return spec["podChaos"] if experiment["kind"] == "Schedule" else spec


def test_there_is_an_experiment_of_every_kind_of_fault() -> None:
    jsonschema.Draft202012Validator.check_schema(schema("chaos-mesh"))
    experiments = [read_yaml(f"{FOLDER}/{name}") for name in EXPERIMENTS]
    found = {(each["kind"], spec_of(each).get("action")) for each in experiments}
    assert found >= {
        ("PodChaos", "pod-kill"),
        ("PodChaos", "pod-failure"),
        ("PodChaos", "container-kill"),
        ("NetworkChaos", "partition"),
        ("NetworkChaos", "delay"),
        ("IOChaos", "fault"),
        ("TimeChaos", None),
        ("StressChaos", None),
        ("Schedule", "container-kill"),
    }


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_is_valid_and_named_like_its_file(name: str) -> None:
    experiment = read_yaml(f"{FOLDER}/{name}")
    assert not refused(experiment)
    assert f"{experiment['metadata']['name']}.yaml" == name


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_says_which_of_our_scenarios_or_faults_it_is_like(name: str) -> None:
    comment = (PROJECT / FOLDER / name).read_text().partition("\napiVersion")[0]
    said = re.search(r"(Scenario|fault|Use case) ([\w-]+)", comment)
    assert said is not None, comment
    known = {"Scenario": set(SCENARIOS), "fault": set(FAULTS), "Use case": set("123456")}
    assert said[2] in known[said[1]]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_selects_pods_and_containers_of_the_trial(name: str) -> None:
    spec = spec_of(read_yaml(f"{FOLDER}/{name}"))
    pods = [
        each["spec"]["template"]
        for each in rendered("trial")
        if each["kind"] in ("Deployment", "StatefulSet")
    ]
    selectors = [spec["selector"], *([spec["target"]["selector"]] if "target" in spec else [])]
    for selector in selectors:
        wanted = selector["labelSelectors"].items()
        selected = [pod for pod in pods if wanted <= pod["metadata"]["labels"].items()]
        assert selected
        for container in spec.get("containerNames", []):
            assert all(container in names(pod) for pod in selected)


def names(pod: Any) -> set[str]:
    return {each["name"] for each in pod["spec"]["containers"]}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_schema_refuses_an_unknown_field_and_a_missing_one(name: str) -> None:
    experiment = read_yaml(f"{FOLDER}/{name}")
    for change in (
        lambda e: e["spec"].update(durations="1s"),
        lambda e: spec_of(e).pop("selector"),
        lambda e: spec_of(e).update(mode="some"),
    ):
        changed = copy.deepcopy(experiment)
        change(changed)
        assert refused(changed)


def test_what_takes_time_ends_by_itself() -> None:
    for name in EXPERIMENTS:
        spec = spec_of(read_yaml(f"{FOLDER}/{name}"))
        assert "duration" in spec or spec.get("action") in ("pod-kill", "container-kill")

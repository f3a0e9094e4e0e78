"""How Allure files a test of a run: under its use case and scenario, how severe, with which seed.

Without `--alluredir` nobody listens, and all of it does nothing.
"""

from collections.abc import Mapping
from pathlib import Path

import allure
import pytest

from harness.pytest_plugin.cases import Case
from harness.pytest_plugin.options import lab_options

ENVIRONMENT = "environment.properties"
_OUR_OWN = "our own"


def label(item: pytest.Item, case: Case) -> None:
    """Label the running test: epic, feature and story are use case, scenario and promise.

    What the module or the test says of itself with Allure's own decorators counts more.
    """
    said = {mark.kwargs.get("label_type") for mark in item.iter_markers("allure_label")}
    if "epic" not in said:
        allure.dynamic.epic(case.use_case)
    if "feature" not in said:
        allure.dynamic.feature(case.scenario)
    if "story" not in said:
        allure.dynamic.story(_in_words(item))
    if "severity" not in said:
        level = allure.severity_level
        allure.dynamic.severity(level.CRITICAL if case.faults else level.NORMAL)
    again = "\n".join(f"    {command}" for command in case.again if command)
    allure.dynamic.description(f"Promised: {case.promise}\n\nAgain:\n\n{again}\n")
    for name, value in _parameters(item, case).items():
        # Another seed, or another machine, makes it no other test: Allure follows its history.
        allure.dynamic.parameter(name, value, excluded=True)


def write_environment(config: pytest.Config) -> None:
    """Tell in the directory of Allure's results what was judged, for the page that begins it."""
    directory = config.getoption("allure_report_dir", None)
    if not directory or hasattr(config, "workerinput"):
        return
    configuration = lab_options(config).configuration
    told = {"lab": configuration["lab"], "load balancer": _load_balancer(configuration)}
    lines = [f"{name.replace(' ', '_')}={value}" for name, value in told.items()]
    path = Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    (path / ENVIRONMENT).write_text("".join(f"{line}\n" for line in lines))


def _in_words(item: pytest.Item) -> str:
    name = getattr(item, "originalname", None) or item.name
    return name.removeprefix("test_").replace("_", " ")


def _parameters(item: pytest.Item, case: Case) -> dict[str, str]:
    configuration = lab_options(item.config).configuration
    return {
        "seed": str(case.seed),
        "workload": case.workload,
        "faults": ", ".join(case.faults) or "none",
        "lab": str(configuration["lab"]),
        "load balancer": _load_balancer(configuration),
    }


def _load_balancer(configuration: Mapping[str, object]) -> str:
    return str(configuration.get("lb_url") or configuration["lb_command"] or _OUR_OWN)

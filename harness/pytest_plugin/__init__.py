"""The pytest plugin: scenarios as tests, in a lab of its own or in a system that runs already.

A `conftest.py` names it: `pytest_plugins = ["harness.pytest_plugin"]`. A module then says
`SCENARIO = "primary-down"`, and its tests ask the fixture `run` what came of it.
"""

from collections.abc import Generator

import allure
import pytest

from harness.errors import UsageError
from harness.pytest_plugin.allure_labels import label, write_environment
from harness.pytest_plugin.cases import ROW, case_of
from harness.pytest_plugin.evidence import evidence, evidence_once
from harness.pytest_plugin.fixtures import (
    lab,
    our_own,
    run,
    run_directory,
    run_settings,
    scenario,
    seed,
    workload,
)
from harness.pytest_plugin.options import add_options, lab_options
from harness.pytest_plugin.table import summary_lines

__all__ = [
    "lab",
    "our_own",
    "run",
    "run_directory",
    "run_settings",
    "scenario",
    "seed",
    "workload",
]

_TITLE = "what was promised, and what came of it"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be repeated, and another load balancer or another system be judged."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that contradict, before anything is started."""
    try:
        lab_options(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell Allure what is judged, once its own plugin has emptied the directory."""
    write_environment(session.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the report of a test say of which run it is; one that failed shows the evidence."""
    report = yield
    case = case_of(item)
    if case is None:
        return report
    # A report may come from another process (pytest-xdist), so this is plain data.
    setattr(report, ROW, case.as_row())
    if report.when == "setup":
        label(item, case)
    if report.failed and report.when != "teardown":
        title = f"{case.scenario}, seed {case.seed}"
        report.sections.append((title, evidence_once(item, case)))
        allure.attach(evidence(item, case), "evidence", allure.attachment_type.TEXT)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of all runs, where there were any."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = summary_lines(reports, terminalreporter._tw.fullwidth)  # noqa: SLF001
    if lines:
        terminalreporter.section(_TITLE)
    for line in lines:
        terminalreporter.write_line(line)

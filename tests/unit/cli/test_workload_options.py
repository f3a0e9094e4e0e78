import click
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.cli.workload_options import settings_of, words_of, workload_options
from harness.workloads.registry import WORKLOADS
from harness.workloads.settings import Addressing, Loop, WorkloadSettings


def parsed(*words: str) -> WorkloadSettings:
    found: list[WorkloadSettings] = []

    @click.command()
    @workload_options
    def command(**said: object) -> None:
        found.append(settings_of(said))

    CliRunner().invoke(command, words, catch_exceptions=False, standalone_mode=False)
    return found[0]


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ((), WorkloadSettings()),
        (("--workload", "register", "--rate", "50"), WorkloadSettings("register", 5, 3, 50.0)),
        (
            ("--clients", "8", "--loop", "closed", "--think", "0.5"),
            WorkloadSettings(clients=8, loop=Loop.CLOSED, think_seconds=0.5),
        ),
        (
            ("--collections", "1", "--skew", "1.2", "--addressing", "mixed"),
            WorkloadSettings(collections=1, skew=1.2, addressing=Addressing.MIXED),
        ),
        (
            ("--document-bytes", "4000", "--dimensions", "384"),
            WorkloadSettings(text_bytes=4000, dimensions=384),
        ),
    ],
)
def test_words_make_settings_and_settings_the_same_words(
    words: tuple[str, ...], settings: WorkloadSettings
) -> None:
    assert parsed(*words) == settings
    assert parsed(*words_of(settings)) == settings
    assert sorted(words_of(settings)) == sorted(words)


def test_the_help_of_run_names_every_workload_and_what_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for workload in WORKLOADS.values():
        assert f"    {workload.name:<10} {workload.does}" in lines

import re
from importlib.metadata import version

import click
import pytest

from harness import doctor
from harness.cli import main
from harness.cli.columns import columns
from harness.cli.main import chroma_chaos
from harness.errors import PartMissingError

NOWHERE = (
    *("--lb-url", "http://127.0.0.1:9"),
    *("--primary-url", "http://127.0.0.1:9/one"),
    *("--replica-url", "http://127.0.0.1:9/two"),
)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """List every command and group, by the words that lead to it."""
    found = [path]
    if isinstance(command, click.Group):
        for name, sub_command in command.commands.items():
            found += commands(sub_command, (*path, name))
    return found


def test_version_is_the_packages(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"chroma-chaos {version('chroma-chaos')}\n"


@pytest.mark.parametrize("words", commands(chroma_chaos))
def test_every_help_explains_itself(words, capsys) -> None:
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: chroma-chaos {' '.join(words)}".rstrip())
    if words != ("lab",):
        assert re.search(r"Examples?:\s+(\w+=\S+ )?chroma-chaos", text)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            ["brake"],
            "cleanup, diff, doctor, export, gap, judge, lab, list, load, report, run, serve, show, "
            "shrink, soak, sweep",
        ),
        (["lab", "sideways"], "down, leftovers, status, up"),
        (["lab", "up", "--lb-image", "example.com/lb:1"], "say --lab compose with it"),
        (["run", "no-such-scenario"], "normal, primary-down"),
        (["run", "normal", "--lab", "moon"], "processes, compose, remote"),
        (["run", "normal", "--lab", "remote"], "--lb-url, --primary-url, --replica-url is missing"),
        (["run", "normal", "--primary-url", "http://x"], "say --lab remote"),
        (["run", "normal", *NOWHERE, "--lb-command", "x"], "runs already"),
        (["cleanup"], "say where the load balancer is"),
        (["cleanup", "--lb-url", "lb.example.com"], "is no URL"),
        (["cleanup", "--lb-url", "http://x", "--prefix", ""], "would mean every collection"),
        (["cleanup", "--lb-url", "http://127.0.0.1:9"], "does not list collections"),
        (["run", "normal", "--speed", "9"], "--seed"),
        (["run", "normal", "--workload", "banking"], "register, set, counter, lifecycle"),
        (["run", "normal", "--clients", "0"], "1<=x<=200"),
        (["run", "normal", "--collections", "0"], "1<=x<=100"),
        (["run", "normal", "--rate", "0"], "0<x<=1000"),
        (["run", "normal", "--skew", "-1"], "0<=x<=5"),
        (["run", "normal", "--dimensions", "0"], "1<=x<=4096"),
        (["run", "normal", "--document-bytes", "-1"], "0<=x<=100000"),
        (["run", "normal", "--loop", "figure-of-eight"], "'open', 'closed'"),
        (["run", "normal", "--addressing", "uuid"], "'id', 'name', 'instance', 'mixed'"),
        (["run", "normal", "--loop", "closed", "--rate", "9"], "pace of the open loop"),
        (["run", "normal", "--think", "1"], "say --loop closed"),
        (["soak", "--workload", "banking"], "register, set, counter, lifecycle"),
        (["lab", "up", "--instance", "2"], "--instances"),
        (["lab", "up", "--instances", "many"], "--instances"),
        (["lab", "up", "--instances", "0"], "1<=x<=9"),
        (["lab", "down", "mine", "--all"], "not both"),
        (["lab", "down", "mine"], "labs that are: none"),
        (["run"], "SCENARIO"),
        (["sweep", "--offsets", "soon"], "milliseconds with commas"),
        (["sweep", "--offsets", "-1"], "milliseconds from 0"),
        (["sweep", "--event", "full-moon"], "entry-visible, request-arrived, response-left"),
        (["gap", "--kinds", "kill,melt"], "kill, pause, blackhole, reset, slow, flap"),
        (["gap", "--seconds", "1"], "5.0<=x<=600"),
        (["gap", "--rate", "0"], "1<=x<=50"),
        (["gap", "--compare", "one"], "2 arguments"),
        (["gap", "--compare", "one", "other"], "there is no run 'one'"),
        (["gap", "--saved", "last"], "see `chroma-chaos list`"),
        (["gap", "--saved", "a", "--compare", "b", "c"], "leave out --saved"),
        (["gap", "--saved", "a", "--kinds", "kill"], "leave out --kinds"),
        (["gap", "--saved", "a", "--run-directory", "b"], "leave out --run-directory"),
        (["doctor", "who"], "who"),
        (["run", "normal", "--schedule", "x.json"], "not both"),
        (["run", "--schedule", "x.json"], "x.json is no schedule"),
        (["show", "last"], "see `chroma-chaos list`"),
        (["judge", "yesterday"], "there is no run 'yesterday'"),
        (["export", "last", "--format", "xml"], "edn"),
    ],
)
def test_a_wrong_word_gets_one_line_that_names_the_right_ones(
    words, named, capsys, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("CHROMA_CHAOS_RUNS", str(tmp_path))
    assert main(words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("chroma-chaos: ")
    assert output.err.count("\n") == 1
    assert named in output.err


def test_no_word_at_all_gets_the_help(capsys) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_the_doctor_fails_and_says_what_to_do_about_a_missing_part(capsys, monkeypatch) -> None:
    def absent() -> None:
        raise PartMissingError("nowhere to be found; run `make setup`")

    monkeypatch.setattr(doctor, "find_toxiproxy", absent)
    assert main(["doctor"]) == 1
    output = capsys.readouterr().out
    assert re.search(r"^Toxiproxy +missing$", output, re.MULTILINE)
    assert re.search(r"^PostgreSQL +found +18", output, re.MULTILINE)
    assert "Toxiproxy: nowhere to be found; run `make setup`" in output


def test_the_doctor_names_what_our_load_balancer_lacks(capsys, monkeypatch) -> None:
    real = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda n: None if n == "aiosql" else real(n))
    assert main(["doctor"]) == 1
    assert "lacks aiosql" in capsys.readouterr().out


def test_ctrl_c_is_exit_code_130(monkeypatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chroma_chaos.commands["doctor"], "callback", interrupted)
    assert main(["doctor"]) == 130


def test_columns_align_and_have_no_trailing_blanks() -> None:
    assert columns([("a", "bcd", "e"), ("long", "", "")]) == "a     bcd  e\nlong"

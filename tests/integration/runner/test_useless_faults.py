"""A run whose faults did nothing proves nothing: it is unknown or could not be made."""

from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.faults import proof
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.labs.base import Lab
from harness.labs.processes import ProcessLab
from harness.runner.run_directory import RunDirectory

pytestmark = pytest.mark.real

UNKNOWN_OR_COULD_NOT_RUN = 2


async def do_nothing(fault: object, lab: Lab) -> None: ...


def run(path: Path, *faults: str) -> int:
    words = [word for fault in faults for word in ("--fault", fault)]
    arguments = ["run", *words, "--seconds", "5", "--seed", "1", "--run-directory", str(path)]
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


def test_faults_that_did_nothing_or_not_for_long_make_the_run_unknown(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove_effect = Kill.prove_effect

    async def prove_and_start_again(fault: Kill, lab: Lab) -> str:
        """Start the server again as soon as it was seen to be dead, as a supervisor would."""
        evidence = await prove_effect(fault, lab)
        assert isinstance(lab, ProcessLab)
        await lab.restart(fault.target)
        return evidence

    monkeypatch.setattr(proof, "PROOF_SECONDS", 2.0)
    monkeypatch.setattr(Pause, "inject", do_nothing)
    monkeypatch.setattr(Kill, "prove_effect", prove_and_start_again)
    monkeypatch.setattr(Kill, "prove_lasting", prove_effect)

    assert run(directory.path, "pause replica", "kill primary") == UNKNOWN_OR_COULD_NOT_RUN

    judgement = msgspec.json.decode(directory.verdict.read_bytes())
    outcomes = {verdict["checker"]: verdict["outcome"] for verdict in judgement["verdicts"]}
    assert judgement["outcome"] == outcomes["faults"] == "unknown"
    nothing, not_for_long = (directory.read()[0].fault_windows[index] for index in (0, 1))
    assert not nothing.took_effect
    assert not_for_long.took_effect
    assert "primary was not seen to refuse requests" in not_for_long.ended_early
    assert nothing.was_healed
    assert not_for_long.was_healed


def test_a_fault_that_cannot_be_healed_ends_the_run_without_a_verdict(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 2.0)
    monkeypatch.setattr(Kill, "heal", do_nothing)

    assert run(directory.path, "kill replica for 1") == UNKNOWN_OR_COULD_NOT_RUN

    assert "chroma-chaos: replica did not answer again" in capsys.readouterr().err
    assert not directory.verdict.exists()
    assert not directory.read()[0].fault_windows[0].was_healed

"""A server that ends by itself in a run is started again, and nothing of it is hidden."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.labs.processes import ProcessLab
from harness.runner.run import Run
from harness.runner.run_directory import RunDirectory
from harness.runner.scenario import Phase

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("server", "outcome", "exit_code"), [("primary", "pass", 0), ("lb", "fail", 1)]
)
def test_a_run_goes_on_and_only_a_load_balancer_is_blamed(
    server: str, outcome: str, exit_code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = Run._phase

    async def crash_first(run: Run, planned: Phase, *others: object) -> None:
        lab = run._lab
        assert isinstance(lab, ProcessLab)
        identity = lab.identity(server)
        assert identity is not None
        if planned.name == "chaos":
            os.kill(identity.pid, signal.SIGSEGV)
        await phase(run, planned, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "_phase", crash_first)
    directory = RunDirectory(tmp_path / "run")
    words = ["--fault", "pause replica at 4 for 1", "--seconds", "6", "--seed", "1"]
    with pytest.raises(SystemExit) as end:
        main(["run", *words, "--run-directory", str(directory.path)])

    judgement = msgspec.json.decode(directory.verdict.read_bytes())
    verdicts = {verdict["checker"]: verdict for verdict in judgement["verdicts"]}
    assert verdicts["endings"]["outcome"] == outcome, judgement
    assert verdicts["endings"]["figures"] == {server: 1.0}
    assert verdicts["faults"]["outcome"] == "pass"
    assert f"{server} 1" in directory.summary.read_text()
    assert end.value.code == exit_code, judgement

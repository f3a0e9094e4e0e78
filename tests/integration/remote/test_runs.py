"""A run in a system that others use touches nothing of theirs, and leaves nothing of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from harness.client.guard import Guard
from harness.client.housekeeper import Housekeeper
from harness.errors import LabError, LeftoverError, UnsupportedFaultError
from harness.faults.base import refuse_unsupported
from harness.faults.force_down import ForceDown
from harness.faults.kill import Kill
from harness.labs.administration import bearer
from harness.labs.remote import RemoteLab, RemoteLabSettings
from harness.model.verdict import Outcome
from harness.report.standing import Standing
from harness.runner import removal
from harness.runner.run import RunSettings
from harness.runner.run_directory import RunDirectory
from harness.runner.run_store import RunStore
from harness.runner.scenarios.registry import scenario_named
from harness.runner.session import run_in_lab
from tests.integration.labs.waiting import wait_until
from tests.integration.lb.calls import COLLECTIONS
from tests.integration.remote.conftest import ADMIN, CLIENT, TOKENS, Deployed, chroma_chaos

pytestmark = [pytest.mark.real, pytest.mark.alone]


class Breaking:
    """A `Progress` that lets the run fail when its first phase begins."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def phase(self, name: str, seconds: float) -> None:
        if name == "normal":
            raise RuntimeError("something unforeseen")

    def event(self, text: str) -> None:
        self.events.append(text)

    def tick(self, standing: Standing) -> None:
        pass


def remote_lab(deployed: Deployed, directory: Path, admin_token: str = ADMIN) -> RemoteLab:
    return RemoteLab(
        RemoteLabSettings(
            directory,
            deployed.lb_url,
            deployed.instance_urls,
            client_token=CLIENT,
            admin_token=admin_token,
        )
    )


def test_a_run_with_a_forced_failover_passes_and_leaves_nothing(
    deployed: Deployed, tmp_path: Path
) -> None:
    fault = ("--fault", "force-down primary at 1 for 3", "--seconds", "5")
    directory = ("--run-directory", str(tmp_path / "run"))
    done = chroma_chaos("run", *fault, "--seed", "7", *deployed.options, *directory)
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunStore(tmp_path).find("run")
    history, finals = run.directory.read()
    assert history.fault_windows[0].took_effect
    assert history.fault_windows[0].was_healed
    created = {name for final in finals for name in final.collections}
    assert len(created) == 3
    assert all(name.startswith("AUTOTEST_7_") for name in created)
    assert deployed.names() == [{"global"}] * 3
    told = {verdict.checker: verdict.outcome for verdict in run.judgement.verdicts}
    assert told["log-drained"] is Outcome.NOT_OFFERED
    assert f"again:   chroma-chaos run --schedule {tmp_path}" in done.stdout.replace("\n", "")
    written = b"".join(path.read_bytes() for path in run.directory.path.iterdir())
    assert ADMIN.encode() not in written
    assert CLIENT.encode() not in written


def test_ctrl_c_takes_the_word_back_and_removes_what_was_made(
    deployed: Deployed, tmp_path: Path
) -> None:
    directory = RunDirectory(tmp_path / "run")
    words = ["run", "primary-forced-down", *deployed.options]
    with (tmp_path / "output").open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *words, "--run-directory", str(directory.path)],
            env={**os.environ, **TOKENS},
            stdout=output,
            stderr=output,
        )

        def has_fault() -> bool:
            assert process.poll() is None, (tmp_path / "output").read_text()
            if not directory.history.exists() or not directory.history.stat().st_size:
                return False
            window = directory.read()[0].fault_windows.get(0)
            return window is not None and window.took_effect

        try:
            wait_until(has_fault, 60.0, (tmp_path / "output").read_text)
            assert [len(names) for names in deployed.names()] == [4, 4, 4]
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            assert process.wait(60.0) == 130
        finally:
            process.kill()
            process.wait()
    told = (tmp_path / "output").read_text()
    assert "removed 3 collections" in told
    assert deployed.names() == [{"global"}] * 3
    with deployed.lb(ADMIN) as lb:

        def beliefs() -> list[dict[str, object]]:
            return lb.get("/admin/instances").json()["instances"]

        wait_until(
            lambda: all(each["healthy"] and each["forced"] is None for each in beliefs()),
            10.0,
            beliefs,
        )


async def test_a_run_that_fails_removes_what_it_made(deployed: Deployed, tmp_path: Path) -> None:
    lab, progress = remote_lab(deployed, tmp_path / "run"), Breaking()
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    settings = RunSettings(scenario_named("normal"), 7, directory)
    with pytest.raises(RuntimeError, match="something unforeseen"):
        await run_in_lab(settings, lab, progress, {})
    assert any(event.startswith("removed 3 collections") for event in progress.events)
    assert deployed.names() == [{"global"}] * 3


async def test_two_runs_of_one_seed_have_names_of_their_own(
    deployed: Deployed, tmp_path: Path
) -> None:
    assert remote_lab(deployed, tmp_path).mark != remote_lab(deployed, tmp_path).mark


async def test_what_cannot_be_removed_is_named(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance has it and the load balancer does not know it: nothing is sent there directly."""
    lab = remote_lab(deployed, tmp_path)
    name = f"AUTOTEST_7_{lab.mark}_files_1"
    primary = deployed.instance_urls[0]
    monkeypatch.setattr(removal, "_TIMEOUT_SECONDS", 0.5)
    async with httpx.AsyncClient(base_url=primary) as http:
        (await http.post(COLLECTIONS, json={"name": name})).raise_for_status()
        try:
            with pytest.raises(LeftoverError, match=f"{name} .still on primary."):
                await removal.remove_created(lab, 7, Breaking())
        finally:
            (await http.delete(f"{COLLECTIONS}/{name}")).raise_for_status()


async def test_a_fault_that_no_deployment_offers_is_refused_with_what_there_is(
    deployed: Deployed, tmp_path: Path
) -> None:
    lab = remote_lab(deployed, tmp_path)
    await lab.start()
    with pytest.raises(UnsupportedFaultError, match=r"remote cannot do \(it can: force-health\)"):
        refuse_unsupported(Kill("primary"), lab)
    with pytest.raises(UnsupportedFaultError, match="only an instance"):
        refuse_unsupported(ForceDown("lb"), lab)
    refuse_unsupported(ForceDown("primary"), lab)


def test_without_the_admin_token_a_forced_failover_is_refused_before_anything_is_made(
    deployed: Deployed, tmp_path: Path
) -> None:
    directory = ("--run-directory", str(tmp_path / "run"))
    environment = {**TOKENS, "CHROMA_CHAOS_ADMIN_TOKEN": ""}
    words = ("run", "primary-forced-down", *deployed.options, *directory)
    done = chroma_chaos(*words, environment=environment)
    assert done.returncode == 2
    assert "the client token does not allow administration" in done.stderr.replace("\n", " ")
    assert "is CHROMA_CHAOS_ADMIN_TOKEN right?" in done.stderr
    assert deployed.names() == [{"global"}] * 3


async def test_a_wrong_address_or_client_token_is_named(deployed: Deployed, tmp_path: Path) -> None:
    primary, replica = deployed.instance_urls
    nobody = Deployed(deployed.lb_url, (primary, f"{replica}/nowhere"))
    with pytest.raises(LabError, match="replica does not answer 200 at http"):
        await remote_lab(nobody, tmp_path).start()
    settings = RemoteLabSettings(tmp_path, deployed.lb_url, deployed.instance_urls)
    with pytest.raises(LabError, match=r"lb does not answer 200 .* and the client token"):
        await RemoteLab(settings).start()


async def test_the_housekeeper_finds_what_is_beyond_the_first_page(deployed: Deployed) -> None:
    names = [f"DEBUG_{n}" for n in range(105)]
    async with httpx.AsyncClient(
        base_url=deployed.lb_url, headers=bearer(CLIENT), timeout=30
    ) as lb:
        for n in range(0, len(names), 15):
            created = [lb.post(COLLECTIONS, json={"name": name}) for name in names[n : n + 15]]
            assert {answer.status_code for answer in await asyncio.gather(*created)} == {200}
    keeper = Housekeeper(deployed.lb_url, Guard(("DEBUG_",)), bearer(CLIENT))
    async with keeper:
        assert await keeper.found() == sorted(names)
        assert [await keeper.remove(name) for name in names] == [""] * len(names)
        assert await keeper.found() == []

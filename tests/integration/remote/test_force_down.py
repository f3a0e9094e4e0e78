"""Forced health is seen to take effect and to end; without it there is no proof of either."""

from pathlib import Path

import pytest

from harness.errors import FaultError
from harness.faults import proof
from harness.faults.force_down import ForceDown
from harness.labs.remote import RemoteLab, RemoteLabSettings
from tests.integration.remote.conftest import ADMIN, CLIENT, Deployed

pytestmark = pytest.mark.real

DOWN = ForceDown("primary")


@pytest.fixture
def remote(deployed: Deployed, tmp_path: Path) -> RemoteLab:
    urls = deployed.instance_urls
    return RemoteLab(
        RemoteLabSettings(tmp_path, deployed.lb_url, urls, client_token=CLIENT, admin_token=ADMIN)
    )


async def test_it_takes_effect_lasts_and_heals_also_twice(remote: RemoteLab) -> None:
    await DOWN.inject(remote)
    try:
        assert "takes it for unhealthy" in await DOWN.prove_effect(remote)
        assert await DOWN.prove_lasting(remote)
    finally:
        await DOWN.heal(remote)
    assert "takes it for healthy" in await DOWN.prove_healed(remote)
    await DOWN.heal(remote)
    assert await DOWN.prove_healed(remote)


async def test_without_it_there_is_no_proof_of_an_effect_and_with_it_none_of_healing(
    remote: RemoteLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.3)
    with pytest.raises(FaultError, match="was not taken for unhealthy"):
        await DOWN.prove_effect(remote)
    with pytest.raises(FaultError, match="its time was over"):
        await DOWN.prove_lasting(remote)
    await DOWN.inject(remote)
    try:
        with pytest.raises(FaultError, match="was not taken for healthy again"):
            await DOWN.prove_healed(remote)
    finally:
        monkeypatch.undo()
        await DOWN.heal(remote)
    assert await DOWN.prove_healed(remote)


async def test_it_ends_by_itself(remote: RemoteLab) -> None:
    brief = ForceDown("replica", seconds=3)
    await brief.inject(remote)
    assert await brief.prove_effect(remote)
    assert await brief.prove_healed(remote)

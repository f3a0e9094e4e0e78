import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest

from harness.errors import FaultError
from harness.faults import proof
from harness.faults.kill import Kill
from harness.labs.base import Instance
from tests.unit.client.scripted_server import answer, serving
from tests.unit.faults.stand_ins import StandInLab


@pytest.fixture
async def answering() -> AsyncIterator[StandInLab]:
    """A lab whose primary answers heartbeats."""
    async with serving(answer(200, b"{}")) as server:
        yield StandInLab(instances=(Instance("primary", server.url),))


@pytest.fixture
def refusing() -> Iterator[StandInLab]:
    """A lab at whose primary's address nothing listens, and nobody else can."""
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        yield StandInLab(instances=(Instance("primary", url),))


@pytest.fixture
def short_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what will not be seen."""
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.1)


async def test_a_killed_target_that_refuses_is_proof_of_the_effect(refusing: StandInLab) -> None:
    await Kill("primary").inject(refusing)
    evidence = await Kill("primary").prove_effect(refusing)
    assert evidence == "the process is gone and a direct request was refused"


@pytest.mark.usefixtures("short_proofs")
async def test_a_target_that_lives_is_no_proof(refusing: StandInLab) -> None:
    with pytest.raises(FaultError, match="primary was not seen to refuse requests"):
        await Kill("primary").prove_effect(refusing)


@pytest.mark.usefixtures("short_proofs")
async def test_a_target_that_still_answers_is_no_proof(answering: StandInLab) -> None:
    answering.alive.clear()
    with pytest.raises(FaultError, match="primary was not seen to refuse requests"):
        await Kill("primary").prove_effect(answering)


async def test_healing_starts_the_target_and_sees_it_answer(answering: StandInLab) -> None:
    await Kill("primary").inject(answering)
    await Kill("primary").heal(answering)
    assert await Kill("primary").prove_healed(answering)


@pytest.mark.usefixtures("short_proofs")
async def test_a_target_that_does_not_answer_is_not_healed(refusing: StandInLab) -> None:
    with pytest.raises(FaultError, match="primary did not answer again"):
        await Kill("primary").prove_healed(refusing)

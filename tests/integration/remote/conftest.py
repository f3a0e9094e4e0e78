"""A deployed system: a lab of which tests know the URLs and the tokens, with a `global` inside."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest

from harness.labs.processes import ProcessLab, ProcessLabSettings
from tests.integration.labs.waiting import wait_until
from tests.integration.lb.calls import COLLECTIONS

ADMIN, CLIENT = "for-admins", "for-clients"
TOKENS = {"CHROMA_CHAOS_ADMIN_TOKEN": ADMIN, "CHROMA_CHAOS_CLIENT_TOKEN": CLIENT}
LB = ("env", f"ADMIN_TOKEN={ADMIN}", f"CLIENT_TOKEN={CLIENT}", sys.executable, "-m", "lb")
DOCUMENTS = 20


@dataclass(frozen=True)
class Deployed:
    """A system by its addresses."""

    lb_url: str
    instance_urls: tuple[str, str]

    @property
    def options(self) -> tuple[str, ...]:
        primary, replica = self.instance_urls
        return ("--lb-url", self.lb_url, "--primary-url", primary, "--replica-url", replica)

    def lb(self, token: str = CLIENT) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.lb_url, headers=headers, timeout=30)

    def names(self) -> list[set[str]]:
        """The names of all collections: by the load balancer's word, then on each instance."""
        with self.lb() as lb:
            found = [lb.get(COLLECTIONS).json()]
        found += [httpx.get(f"{url}{COLLECTIONS}").json() for url in self.instance_urls]
        return [{collection["name"] for collection in listed} for listed in found]

    def held(self, name: str) -> list[dict[str, Any]]:
        """All that there is of a collection on each instance, by direct reads."""
        return [_held(url, name) for url in self.instance_urls]

    def make(self, name: str) -> None:
        """Make a collection with metadata and documents, and see it on both instances."""
        random = np.random.default_rng(len(name))
        vectors = random.standard_normal((DOCUMENTS, 8), dtype=np.float32)
        with self.lb() as lb:
            made = lb.post(COLLECTIONS, json={"name": name, "metadata": {"owner": "all of us"}})
            made.raise_for_status()
            body = {
                "ids": [f"d{n}" for n in range(DOCUMENTS)],
                "documents": [f"text {n} of {name}" for n in range(DOCUMENTS)],
                "metadatas": [
                    {"n": n, "part": n / 7, "odd": bool(n % 2)} for n in range(DOCUMENTS)
                ],
                "embeddings": vectors.tolist(),
            }
            lb.post(f"{COLLECTIONS}/{made.json()['id']}/add", json=body).raise_for_status()

        def there() -> bool:
            held = self.held(name)
            return all(len(each.get("ids", ())) == DOCUMENTS for each in held)

        wait_until(there, 10.0, lambda: self.held(name))


def _held(url: str, name: str) -> dict[str, Any]:
    with httpx.Client(base_url=url, timeout=30) as instance:
        found = instance.get(f"{COLLECTIONS}/{name}")
        if found.status_code == 404:
            return {}
        include = ["documents", "metadatas", "embeddings"]
        path = f"{COLLECTIONS}/{found.json()['id']}"
        return {**found.json(), **instance.post(f"{path}/get", json={"include": include}).json()}


def chroma_chaos(
    *words: str, environment: Mapping[str, str] = TOKENS
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would who has the tokens in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLab]:
    """The system itself, out of the tests' reach."""
    settings = ProcessLabSettings(
        tmp_path_factory.mktemp("deployed"), lb_command=LB, lb_ready_path="/health"
    )
    lab = ProcessLab(settings)
    asyncio.run(lab.start())
    yield lab
    asyncio.run(lab.stop())


@pytest.fixture(scope="package")
def deployed(lab: ProcessLab) -> Deployed:
    """Where it is; it is up, and has a `global` with documents on both instances."""
    primary, replica = (instance.url for instance in lab.instances)
    system = Deployed(lab.lb_url, (primary, replica))
    system.make("global")
    return system


@pytest.fixture(autouse=True)
def untouched(deployed: Deployed) -> Iterator[None]:
    """See after every test that `global` is the same to the last bit, on both instances."""
    before = deployed.held("global")
    assert [len(each["ids"]) for each in before] == [DOCUMENTS, DOCUMENTS]
    yield
    assert deployed.held("global") == before

"""What is measured: a server that speaks Chroma's API, and when it is at rest."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

import httpx
import msgspec

from bench import requests
from bench.rig import Replicated, Rig, port_of, replicated
from harness.errors import HarnessError
from harness.labs.readiness import probe_client
from harness.polling import poll_until

LB = "lb"
PLAIN = "plain Chroma"
_REST_SECONDS = 120.0
_LOOK_SECONDS = 0.05
_PER_FILL = 250
_REQUEST_SECONDS = 60.0


async def _at_rest() -> None:
    """Nothing goes on in a plain server that has answered."""


@dataclass(frozen=True)
class Subject:
    """A server under load; `rest` returns when nothing is left to be done of what it was sent."""

    name: str
    url: str
    rest: Callable[[], Awaitable[None]] = _at_rest
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def port(self) -> int:
        """Where it listens."""
        return port_of(self.url)

    async def new_collection(self, name: str = "") -> str:
        """Create an empty collection, by a name of its own if none is given; return its id."""
        fields = {"name": name or f"bench-{next(self._numbers)}", "get_or_create": True}
        body = msgspec.json.encode(fields)
        answer = await self._post(requests.COLLECTIONS, body)
        return str(answer.json()["id"])

    async def filled_collection(self, documents: int) -> str:
        """Create a collection of so many documents."""
        collection = await self.new_collection()
        await self.fill(collection, 0, documents)
        return collection

    async def fill(self, collection: str, begin: int, end: int) -> None:
        """Add the documents with these numbers."""
        embeddings = requests.vectors(seed=2)
        for first in range(begin, end, _PER_FILL):
            numbers = range(first, min(first + _PER_FILL, end))
            body = requests.add_body(numbers, "filled", embeddings)
            await self._post(f"{requests.COLLECTIONS}/{collection}/add", body)
        await self.rest()

    async def count(self, collection: str) -> int:
        """Count the documents of a collection."""
        async with _client() as client:
            answer = await client.get(f"{self.url}{requests.COLLECTIONS}/{collection}/count")
        return int(answer.text)

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        async with _client() as client:
            answer = await client.post(f"{self.url}{path}", content=body, headers=headers)
        if answer.status_code >= httpx.codes.MULTIPLE_CHOICES:
            raise HarnessError(f"{self.name} answered {answer.status_code}: {answer.text[:300]}")
        return answer


@dataclass(frozen=True)
class Sides:
    """The two subjects of a comparison, and the servers behind ours."""

    ours: Subject
    theirs: Subject
    behind: Replicated

    @property
    def both(self) -> tuple[Subject, Subject]:
        """Ours, then theirs."""
        return self.ours, self.theirs


async def lb_and_plain(rig: Rig, instances: int = 2) -> Sides:
    """Start a load balancer with its servers, and one plain Chroma server beside them.

    All keep their data on the same disk.
    """
    plain = await rig.chroma("plain")
    behind = await replicated(rig, instances)
    return Sides(our_subject(behind.lb.url), Subject(PLAIN, plain.url), behind)


def our_subject(url: str) -> Subject:
    """Give the load balancer as a subject; it is at rest when every instance has everything."""
    return Subject(LB, url, lambda: caught_up(url))


async def caught_up(lb_url: str) -> None:
    """Return when no instance lacks anything of the log; raises `HarnessError`."""
    async with probe_client() as client:
        last: object = None

        async def see() -> bool:
            nonlocal last
            try:
                status = (await client.get(f"{lb_url}/status")).json()
                pending: dict[str, int] = status["log"]["pending_entries"]
            except (httpx.HTTPError, KeyError, ValueError) as error:
                last = repr(error)
                return False
            last = pending
            return not any(pending.values())

        def failure() -> HarnessError:
            return HarnessError(f"the instances did not catch up: {last}")

        await poll_until(see, _REST_SECONDS, failure, _LOOK_SECONDS)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=_REQUEST_SECONDS)

"""The endpoints of a load balancer for its administrators: what it believes of each instance.

A load balancer is free not to have them, or not to let us in: then it is said why.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import msgspec

from harness.errors import FaultError
from harness.labs.readiness import probe_client

INSTANCES = "/admin/instances"
TOKEN_VARIABLE = "CHROMA_CHAOS_ADMIN_TOKEN"  # noqa: S105 (where the token is, not the token)
CLIENT_TOKEN_VARIABLE = "CHROMA_CHAOS_CLIENT_TOKEN"  # noqa: S105
_TEXT_CHARACTERS = 120


class Belief(msgspec.Struct, frozen=True):
    """What the load balancer believes of an instance; `forced` is what an administrator said."""

    name: str
    healthy: bool
    forced: bool | None = None


class _Beliefs(msgspec.Struct, frozen=True):
    instances: tuple[Belief, ...]


@dataclass(frozen=True)
class Administration:
    """Asks and tells the load balancer at `lb_url`; `headers` carry the token."""

    lb_url: str
    headers: Mapping[str, str]

    async def why_not(self, instance: str) -> str:
        """Say why the instance's health cannot be forced; nothing when it can."""
        try:
            await self.belief(instance)
        except FaultError as error:
            return f"health cannot be forced here: {error}"
        return ""

    async def belief(self, instance: str) -> Belief:
        """Ask what is believed of one instance; raises `FaultError`."""
        body = await self._send("GET", INSTANCES)
        try:
            beliefs = msgspec.json.decode(body, type=_Beliefs).instances
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FaultError(f"the answer to GET {INSTANCES} makes no sense: {error}") from error
        for belief in beliefs:
            if belief.name == instance:
                return belief
        names = ", ".join(belief.name for belief in beliefs)
        raise FaultError(f"the load balancer has no instance {instance}; it has {names}")

    async def force(self, instance: str, *, healthy: bool, seconds: int) -> None:
        """Impose a state that ends by itself; raises `FaultError`."""
        body = {"healthy": healthy, "duration_seconds": seconds}
        await self._send("POST", f"{INSTANCES}/{instance}/health", body)

    async def _send(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> bytes:
        try:
            async with probe_client() as client:
                answer = await client.request(
                    method, self.lb_url + path, json=body, headers=dict(self.headers)
                )
        except httpx.HTTPError as error:
            raise FaultError(f"{method} {path} got no answer: {error!r}") from error
        if not answer.is_success:
            text = " ".join(answer.text[:_TEXT_CHARACTERS].split())
            hint = f"; is {TOKEN_VARIABLE} right?" if answer.status_code in (401, 403) else ""
            raise FaultError(f"{method} {path} was answered {answer.status_code} {text}{hint}")
        return answer.content


def bearer(token: str) -> dict[str, str]:
    """Give the header that carries a token; none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}

"""Mutants of requests that arrive late: what was given up, and overwrites what came after it."""

import asyncio

from lb import comparer, upstream
from lb.catalogue import Collection
from lb.errors import InstanceUnreachableError
from lb.model import Answer
from tests.mutants.patches import Patches, misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import mutant


@mutant(Promise.LATE_REQUESTS, "request-held", "convergence")
def given_up_by_time(patches: Patches) -> None:
    """A write that is not answered within a second is given up, and sent again."""

    async def write(
        self: upstream.Upstream, method: str, path: str, body: bytes, content_type: str
    ) -> Answer:
        try:
            async with asyncio.timeout(1.0):
                answer: Answer = await original(self, method, path, body, content_type)
        except TimeoutError as error:
            misbehaved(f"gives {method} {path} up on {self.instance.name}")
            raise InstanceUnreachableError(self.instance.name, "no answer in time") from error
        return answer

    original = patches.replace(upstream.Upstream, "write", write)


@mutant(Promise.LATE_REQUESTS, "request-held-long", "convergence")
def late_request_not_compared(patches: Patches) -> None:
    """What may have been changed by a request that was given up is not looked at again."""

    def doubt(self: comparer.Comparer, collection: Collection, instance: str) -> None:
        misbehaved(f"trusts {collection} on {instance}")

    patches.replace(comparer.Comparer, "doubt", doubt)

"""Tenants and databases of an instance that has lost them: it gets them again from the log.

They are never copied, and their entries are never pruned, so that an instance that is new, or an
older state of itself, comes by them as all others did: by the same writes in the same order.
"""

import asyncio
import logging

from lb.errors import InstanceError, LogUnavailableError
from lb.executor import METHODS, REPEATED
from lb.log_reader import LogReader
from lb.log_tail import LogTail
from lb.upstream import Upstream, describe

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
"""How long an instance may take for one write, before it is asked again from the beginning."""


class Namespaces:
    """Does the writes of tenants and databases again."""

    def __init__(self, tail: LogTail, reader: LogReader) -> None:
        self._tail = tail
        self._reader = reader

    async def restore(self, upstream: Upstream) -> None:
        """Do all that took effect once more on an instance whose cursor speaks of another state.

        Its applier keeps still meanwhile: what has no outcome yet comes after this. Raises
        `InstanceError` when the instance, or the log, does not let it be done now.
        """
        namespaces, name = self._tail.catalogue.namespaces, upstream.instance.name
        if name in namespaces.lane.busy:
            raise InstanceError(name, "is at work with tenants and databases")
        namespaces.lane.busy.add(name)
        try:
            await self._do_again(upstream)
        except LogUnavailableError as error:
            raise InstanceError(name, str(error)) from error
        finally:
            namespaces.lane.busy.discard(name)
            self._tail.on_change(namespaces)

    async def _do_again(self, upstream: Upstream) -> None:
        writes = await self._reader.namespace_writes()
        for write in writes:
            method = METHODS.get(write.kind, "POST")
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await upstream.write(
                        method, write.path, write.body, write.content_type
                    )
            except TimeoutError as error:
                cause = f"no answer within {PATIENCE_SECONDS:g} s"
                raise InstanceError(upstream.instance.name, cause) from error
            if not answer.is_success and answer.status != REPEATED.get(write.kind):
                raise InstanceError(upstream.instance.name, describe(answer))
        log.info(
            "%s: %s writes of tenants and databases were done again",
            upstream.instance.name,
            len(writes),
        )

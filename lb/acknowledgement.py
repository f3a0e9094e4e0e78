"""When a client may be told the outcome of its write: the setting `WRITE_ACK`."""

from lb.log_tail import LogTail
from lb.model import Entry


class Acknowledgement:
    """Waits for the first definite outcome, or for every healthy instance to have the write.

    An instance that is not healthy is not waited for: it gets the write from the log.
    """

    def __init__(self, tail: LogTail, *, of_all: bool) -> None:
        self._tail = tail
        self._of_all = of_all

    async def wait(self, entry: Entry) -> None:
        """Return when the client may be told, or when the log has refused the entry."""
        await entry.settled.wait()
        while not self.is_due(entry):
            await self._tail.next_move().wait()

    def is_due(self, entry: Entry) -> bool:
        """Tell whether the client may be told now."""
        if not self._of_all or entry.outcome is None or not entry.outcome.is_success:
            return entry.settled.is_set()
        return self._tail.is_applied_by_all_that_serve(entry)

"""Owns live progress: one status line on a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.status import Status


class Progress(Protocol):
    """Is told what a run does."""

    def phase(self, name: str, seconds: float) -> None:
        """Note that a phase began that lasts `seconds` (0: as long as it takes)."""
        ...

    def event(self, text: str) -> None:
        """Note that something happened."""
        ...

    def tick(self, operations: int, failed: int) -> None:
        """Note how many operations were done, and how many of them did not succeed."""
        ...


class ConsoleProgress:
    """Prints phases and events; on a terminal also a line that counts operations."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._phase = "starting the lab"

    def phase(self, name: str, seconds: float) -> None:
        """Print the phase."""
        self._phase = name
        duration = f" ({seconds:g} s)" if seconds else ""
        self._console.print(f"[bold]{name}[/bold]{duration}", highlight=False)

    def event(self, text: str) -> None:
        """Print the event under its phase."""
        self._console.print(f"  {text}", highlight=False, markup=False)

    def tick(self, operations: int, failed: int) -> None:
        """Show the counts on a terminal."""
        if self._status:
            self._status.update(f"{self._phase}: {operations} operations, {failed} failed")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status(self._phase)
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()
            self._status = None

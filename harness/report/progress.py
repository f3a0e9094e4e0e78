"""Owns live progress: phases and events as plain lines, and on a terminal a panel under them."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from harness.report.live_panel import LivePanel
from harness.report.standing import Standing

_FRAMES_PER_SECOND = 4


class Progress(Protocol):
    """Is told what a run does."""

    def phase(self, name: str, seconds: float) -> None:
        """Note that a phase began that lasts `seconds` (0: as long as it takes)."""
        ...

    def event(self, text: str) -> None:
        """Note that something happened."""
        ...

    def tick(self, standing: Standing) -> None:
        """Note how the run stands."""
        ...


class ConsoleProgress:
    """Prints phases and events; on a terminal also a panel that goes when the run is over.

    Leaving the context gives the terminal back as it was, whatever the reason. `plan` has the names
    and seconds of the phases to come.
    """

    def __init__(self, console: Console, plan: Sequence[tuple[str, float]] = ()) -> None:
        self._console = console
        self._panel = LivePanel(plan)
        self._live: Live | None = None

    def phase(self, name: str, seconds: float) -> None:
        """Print the phase."""
        self._panel.begin(name, seconds)
        duration = f" ({seconds:g} s)" if seconds else ""
        self._console.print(f"[bold]{name}[/bold]{duration}", highlight=False)

    def event(self, text: str) -> None:
        """Print the event under its phase."""
        self._console.print(f"  {text}", highlight=False, markup=False)

    def tick(self, standing: Standing) -> None:
        """Show it on a terminal, with the next frame."""
        self._panel.standing = standing

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                self._panel,
                console=self._console,
                refresh_per_second=_FRAMES_PER_SECOND,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

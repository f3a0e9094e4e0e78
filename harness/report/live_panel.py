"""Owns the panel that a terminal shows of a run under way. Where it is shown is for others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from harness.model.operation import Completion
from harness.report.standing import Standing

_STYLES = {Completion.OK: "green", Completion.FAIL: "red", Completion.INFO: "yellow"}
_WELL = frozenset({"UP", "healthy"})
_ILL = frozenset({"DOWN", "NEEDS_REBUILD", "MISMATCHED", "unhealthy"})
_LEAST_WIDTH_OF_A_BAR = 70
_BAR_WIDTH = 24


class LivePanel:
    """Renders the phase, its time, and how the run stands; the clock runs on between two ticks.

    `plan` has the names and seconds of the phases that are known before the run, in their order.
    """

    def __init__(
        self,
        plan: Sequence[tuple[str, float]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._phase, self._seconds = "starting the lab", 0.0
        self._began = clock()
        self._begun = 0
        self.standing: Standing | None = None

    def begin(self, phase: str, seconds: float) -> None:
        """Show another phase, which takes `seconds` (0: as long as it takes)."""
        self._phase, self._seconds, self._began = phase, seconds, self._clock()
        # The same name may come twice in a plan: the next one of that name has begun.
        rest = [name for name, _ in self._plan[self._begun :]]
        if phase in rest:
            self._begun += rest.index(phase) + 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render rows of a label and its content, which folds where the terminal is narrow."""
        grid = Table.grid(
            Column(style="dim", no_wrap=True), Column(overflow="fold"), padding=(0, 1)
        )
        grid.add_row("phase", self._time(options.max_width))
        if self.standing is not None:
            for label, content in _rows(self.standing):
                grid.add_row(label, content)
        yield grid

    def _time(self, width: int) -> Table | Text:
        passed = self._clock() - self._began
        phase = Text(self._phase, style="bold")
        done = min(passed, self._seconds)
        clock = f"{done:.0f} of {self._seconds:g} s" if self._seconds else f"{passed:.0f} s"
        left = self._left_seconds(passed)
        minutes, seconds = divmod(round(left), 60)
        remains = f"{minutes}:{seconds:02} left" if left else ""
        if not self._seconds or width < _LEAST_WIDTH_OF_A_BAR:
            return Text("  ").join(filter(None, (phase, Text(clock), Text(remains))))
        line = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._seconds, completed=done, width=_BAR_WIDTH)
        line.add_row(phase, clock, bar, remains)
        return line

    def _left_seconds(self, passed: float) -> float:
        """Add up what is left of this phase and of those after it that have a time."""
        later = sum(seconds for _, seconds in self._plan[self._begun :])
        return later + max(0.0, self._seconds - passed)


def _rows(standing: Standing) -> Iterator[tuple[str, Text]]:
    yield (
        "rates",
        _join(
            (f"{standing.per_second[each]:.1f} {each}/s", _STYLES[each], standing.counts[each])
            for each in Completion
        ),
    )
    yield (
        "total",
        _join(
            (f"{standing.counts[each]:,.0f} {each}", _STYLES[each], standing.counts[each])
            for each in Completion
        ),
    )
    yield "gap", Text(f"{standing.gap_seconds:.3f} s at the longest")
    yield "states", _states(standing.states)
    if standing.faults:
        yield "faults", Text(", ".join(standing.faults), style="bold red")
    else:
        yield "faults", Text("none", style="dim")


def _join(parts: Iterator[tuple[str, str, float]]) -> Text:
    """Join words; what never happened is not coloured."""
    words = (Text(word, style=style if count else "dim") for word, style, count in parts)
    return Text("  ").join(words)


def _states(states: Mapping[str, str] | None) -> Text:
    if states is None:
        return Text("the load balancer does not answer", style="yellow")
    if not states:
        return Text("the load balancer does not tell", style="dim")
    words: list[Text] = []
    for name, state in states.items():
        style = "green" if state in _WELL else "bold red" if state in _ILL else "yellow"
        words.append(Text.assemble(f"{name} ", (state, style)))
    return Text("  ").join(words)

"""What Allure is told of a run: its steps while it goes on, its files when it is over.

Without `--alluredir` nobody listens, and all of it does nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import allure

from harness.errors import RunDirectoryError
from harness.report.progress import Progress
from harness.report.standing import Standing
from harness.report.timeline import timeline
from harness.runner.run_directory import RunDirectory

_MOST_LOG_BYTES = 256 * 1024

_TEXT, _JSON = allure.attachment_type.TEXT, allure.attachment_type.JSON


class AllureSteps:
    """A `Progress` that tells another one, and makes each phase a step with its events inside."""

    def __init__(self, told: Progress) -> None:
        self._told = told
        self._phase = ExitStack()

    def phase(self, name: str, seconds: float) -> None:
        """End the last step and begin another."""
        self._phase.close()
        self._phase.enter_context(allure.step(name))
        self._told.phase(name, seconds)

    def event(self, text: str) -> None:
        """Put a step without length into the one of the phase."""
        with allure.step(text):
            self._told.event(text)

    def tick(self, standing: Standing) -> None:
        """Tell the other one only."""
        self._told.tick(standing)

    def end(self) -> None:
        """End the last step."""
        self._phase.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._phase.__exit__(kind, error, trace)


@contextmanager
def attach_run(directory: RunDirectory) -> Iterator[None]:
    """Attach what there is of the run when it is over, however it ended."""
    try:
        yield
    finally:
        for path, kind in (
            (directory.summary, _TEXT),
            (directory.verdict, _JSON),
            (directory.description, _JSON),
        ):
            if path.is_file():
                allure.attach(path.read_text(), path.name, kind)
        if directory.report.is_file():
            report = directory.report
            allure.attach.file(report, report.name, allure.attachment_type.HTML)
        allure.attach("\n".join(_timeline(directory)), "timeline.txt", _TEXT)
        for log in sorted((directory.path / "logs").glob("*.log")):
            allure.attach(_end_of(log), f"logs/{log.name}", _TEXT)


def _timeline(directory: RunDirectory) -> Iterator[str]:
    try:
        history, _ = directory.read()
    except RunDirectoryError as error:
        yield str(error)
        return
    yield from timeline(history)


def _end_of(log: Path) -> str:
    """Read a log, or the end of a long one."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _MOST_LOG_BYTES))
        return file.read().decode(errors="replace")

"""Owns the pages about runs: the list, one run with its files, two side by side, trends."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from harness.errors import RunDirectoryError
from harness.model.history import History
from harness.report.summary import figure_rows
from harness.report.timeline import timeline
from harness.runner.run_directory import RunDirectory
from harness.runner.run_store import SavedRun, read_run
from harness.store.comparison import SIDES, Comparison
from harness.store.files import RunFile, files_in
from harness.store.filter import ANY_GROUP, FIELDS, RunFilter, choices
from harness.store.glance import Glance, glance_at
from harness.store.histories import Histories
from harness.store.index import Index
from harness.store.latency import latency_charts
from harness.store.renderer import FILE_HEADERS, REPORT_HEADERS, Renderer
from harness.store.trends import trends_of

_MOST_LINES = 400


class RunPages:
    """Handlers over an index; whatever blocks is done in threads."""

    def __init__(self, index: Index, renderer: Renderer) -> None:
        self._index = index
        self._renderer = renderer
        self._histories = Histories()

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves of runs."""
        return [
            web.get("/", self.runs),
            web.get("/run/{name:.+}", self.run),
            web.get("/report/{name:.+}", self.report),
            web.get("/file/{name:.+}", self.file),
            web.get("/compare", self.compare),
            web.get("/trends", self.trends),
        ]

    async def runs(self, request: web.Request) -> web.Response:
        """List the runs that the query wants."""
        glances = await asyncio.to_thread(self._index.glances)
        wanted = RunFilter.from_query(request.query)
        fitting = [run for run in glances if wanted.fits(run)]
        return self._renderer.page(
            "runs.html",
            root=self._index.root,
            total=len(glances),
            fitting=fitting,
            counts=Counter(run.word.value for run in fitting),
            shown=wanted.on_page(fitting),
            filter=wanted,
            pages=wanted.pages(fitting),
            fields={name: label for name, (label, _) in FIELDS.items()},
            choices=choices(glances),
            any_group=ANY_GROUP,
            groups=_groups(glances),
        )

    async def run(self, request: web.Request) -> web.Response:
        """Show one run."""
        name = request.match_info["name"]
        return await asyncio.to_thread(self._run, name)

    def _run(self, name: str) -> web.Response:
        directory = self._index.directory(name)
        glance = glance_at(directory, name)
        saved = _saved(directory)
        verdicts = saved.judgement.verdicts if saved and saved.judgement else ()
        history, trouble = self._history(directory)
        figures = {verdict.checker: verdict.figures for verdict in verdicts}
        lines = list(timeline(history)) if history else []
        return self._renderer.page(
            "run.html",
            run=glance,
            about=saved.description if saved else {},
            verdicts=sorted(verdicts, key=lambda verdict: verdict.outcome.value != "fail"),
            figures=list(figure_rows(history, figures)) if history and verdicts else [],
            timeline=lines[:_MOST_LINES],
            more_lines=max(0, len(lines) - _MOST_LINES),
            trouble=trouble,
            files=files_in(directory.path).values(),
        )

    async def report(self, request: web.Request) -> web.StreamResponse:
        """Answer a run's own report, as a page that can do nothing to others."""
        directory = await asyncio.to_thread(self._index.directory, request.match_info["name"])
        path = directory.report
        if not path.is_file() or path.is_symlink():
            raise RunDirectoryError(f"{path.parent.name} has no {path.name}")
        return web.FileResponse(
            path, headers={**REPORT_HEADERS, "Content-Type": "text/html; charset=utf-8"}
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer one file of a run: text to read, anything else to keep."""
        file = await asyncio.to_thread(self._find_file, request.match_info["name"])
        headers = {**FILE_HEADERS, "Content-Type": f"{file.content_type}; charset=utf-8"}
        if "keep" in request.query or file.content_type != "text/plain":
            headers["Content-Disposition"] = "attachment"
        return web.FileResponse(file.path, headers=headers)

    def _find_file(self, wanted: str) -> RunFile:
        """Find a file by the names of its run and its own; raises `RunDirectoryError`."""
        runs = (run.name for run in self._index.glances())
        name = next((run for run in runs if wanted.startswith(f"{run}/")), wanted)
        found = files_in(self._index.directory(name).path)
        file = found.get(wanted.removeprefix(f"{name}/"))
        if file is None:
            raise RunDirectoryError(f"run {name} has no such file")
        return file

    async def compare(self, request: web.Request) -> web.Response:
        """Lay two runs side by side."""
        names = request.query.getall("run", [])
        if len(names) != len(SIDES):
            raise web.HTTPBadRequest(text=f"choose two runs to compare, not {len(names)}")
        return await asyncio.to_thread(self._compare, names)

    def _compare(self, names: Sequence[str]) -> web.Response:
        directories = [self._index.directory(name) for name in names]
        left, right = (read_run(directory) for directory in directories)
        read = [self._history(directory) for directory in directories]
        histories = [history for history, _ in read if history is not None]
        return self._renderer.page(
            "compare.html",
            runs=[
                glance_at(directory, name)
                for directory, name in zip(directories, names, strict=True)
            ],
            sides=SIDES,
            comparison=Comparison(left, right),
            charts=latency_charts(histories) if len(histories) == len(SIDES) else [],
            troubles=[trouble for _, trouble in read if trouble],
        )

    async def trends(self, request: web.Request) -> web.Response:
        """Show how figures changed: a line for each scenario, and the charts of the chosen one."""
        trends = trends_of(await asyncio.to_thread(self._index.glances))
        chosen = request.query.get("scenario", "")
        trend = next((each for each in trends if each.scenario == chosen), None)
        if chosen and trend is None:
            raise RunDirectoryError(f"there is no run of a scenario {chosen!r}")
        return self._renderer.page("trends.html", trends=trends, trend=trend)

    def _history(self, directory: RunDirectory) -> tuple[History | None, str]:
        """Read a run's history, or say why it cannot be read."""
        try:
            return self._histories.read(directory), ""
        except (OSError, ValueError) as error:
            return None, f"its history cannot be read: {error}"


def _saved(directory: RunDirectory) -> SavedRun | None:
    try:
        return read_run(directory)
    except RunDirectoryError:
        return None


def _groups(glances: Sequence[Glance]) -> list[dict[str, Any]]:
    """Count the verdicts of each directory that holds runs of one purpose."""
    counts: dict[str, Counter[str]] = {}
    for run in glances:
        if run.group:
            counts.setdefault(run.group, Counter())[run.word.value] += 1
    return [{"name": name, "counts": counts[name]} for name in sorted(counts, reverse=True)]

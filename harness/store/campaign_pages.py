"""Owns the pages about many runs of one purpose: timing gaps, and the kill matrix of the zoo."""

import asyncio

from aiohttp import web

from harness.model.gap import SIDES, kinds_in
from harness.report.gap_table import HEADINGS, experiment_cells, operation_rows
from harness.store.gap_reports import GapReports
from harness.store.index import Index
from harness.store.kill_matrix import campaigns, read_matrix
from harness.store.renderer import Renderer, picture


class CampaignPages:
    """Handlers over what `chroma-chaos gap` and `make mutants` left under the index's root."""

    def __init__(self, index: Index, renderer: Renderer) -> None:
        self._root = index.root
        self._index = index
        self._renderer = renderer
        self._gaps = GapReports(index.root)

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves of campaigns."""
        return [
            web.get("/gaps", self.gaps),
            web.get("/gaps/compare", self.compare),
            web.get("/gaps/plot.svg", self.plot),
            web.get("/mutants", self.mutants),
        ]

    async def gaps(self, _: web.Request) -> web.Response:
        """List what was measured, a line for each kind of failure."""
        entries = await asyncio.to_thread(self._gaps.entries)
        return self._renderer.page(
            "gaps.html", entries=entries, headings=HEADINGS, cells=experiment_cells
        )

    async def compare(self, request: web.Request) -> web.Response:
        """Lay two measurements side by side, or show one."""
        names = _names(request)
        reports = [await asyncio.to_thread(self._gaps.report, name) for name in names]
        sides = dict(zip(SIDES, reports, strict=False))
        kinds = kinds_in(reports)
        return self._renderer.page(
            "gap_compare.html",
            names=names,
            sides=sides,
            kinds=kinds,
            headings=HEADINGS,
            cells=experiment_cells,
            operations={kind: operation_rows(sides, kind) for kind in kinds},
        )

    async def plot(self, request: web.Request) -> web.Response:
        """Draw every operation of one measurement or two."""
        return picture(await asyncio.to_thread(self._gaps.plot, _names(request)))

    async def mutants(self, request: web.Request) -> web.Response:
        """Show a kill matrix, by default the newest."""
        names = await asyncio.to_thread(campaigns, self._root)
        chosen = request.query.get("campaign", names[-1] if names else "")
        matrix = await asyncio.to_thread(read_matrix, self._root, chosen) if chosen else None
        runs = {run.name for run in await asyncio.to_thread(self._index.glances)}
        return self._renderer.page(
            "mutants.html", names=names[::-1], chosen=chosen, matrix=matrix, runs=runs
        )


def _names(request: web.Request) -> list[str]:
    names = request.query.getall("gap", [])
    if not 1 <= len(names) <= len(SIDES):
        raise web.HTTPBadRequest(text=f"choose one measurement or two, not {len(names)}")
    return names

"""Where the load balancer spends its time: py-spy samples the process while it is under load."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.cases.adds import add_for
from bench.cases.queries import query_for
from bench.order import Outcome
from bench.plan import Bench
from bench.rig import pid_of
from bench.stacks import Share, shares
from bench.subjects import Sides, lb_and_plain
from harness.errors import HarnessError
from harness.labs.parent_death import dies_with_parent

_ADDING, _SEARCHING = 32, 8
_DOCUMENTS = 1_000
_PER_SECOND = 400
_SETTLE_SECONDS = 0.5
_SHOWN = 25

Load = Callable[[float], Coroutine[Any, Any, Outcome]]


async def profile(bench: Bench, seconds: float, target: Path) -> None:
    """Write a flame graph and a speedscope file for adds and for searches; print the tops.

    The directory `target` is there already.
    """
    async with bench.rig("profile") as rig:
        sides = await lb_and_plain(rig)
        for name, load in (await _loads(sides)).items():
            bench.tell(f"profile of {name}: twice {seconds:g} s")
            outcome = await _record(sides, load, seconds, target / name)
            await sides.ours.rest()
            _print(name, outcome, shares((target / f"{name}.speedscope.json").read_bytes()))
    bench.tell("own time of `Runner.run` is the event loop's: uvloop, and the kernel below it")
    bench.tell(f"written to {target}: *.svg for a browser, *.speedscope.json for speedscope.app")


async def _loads(sides: Sides) -> dict[str, Load]:
    ours = sides.ours
    filled = await ours.filled_collection(_DOCUMENTS)

    async def add(seconds: float) -> Outcome:
        return await add_for(ours, _ADDING, 0.0, seconds)

    async def search(seconds: float) -> Outcome:
        return await query_for(ours, filled, _SEARCHING, 0.0, seconds)

    return {f"adds-at-{_ADDING}": add, f"queries-at-{_SEARCHING}": search}


async def _record(sides: Sides, load: Load, seconds: float, target: Path) -> Outcome:
    """Sample twice under one load: for a flame graph, and for the tops."""
    running = asyncio.create_task(load(2 * seconds + 4 * _SETTLE_SECONDS), name="load")
    try:
        await asyncio.sleep(_SETTLE_SECONDS)
        pid = pid_of(sides.behind.lb)
        await _spy(pid, seconds, "speedscope", Path(f"{target}.speedscope.json"))
        await _spy(pid, seconds, "flamegraph", Path(f"{target}.svg"))
        return await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _spy(pid: int, seconds: float, form: str, target: Path) -> None:
    program = _find_py_spy()
    words = ("record", "--pid", str(pid), "--duration", f"{max(1, round(seconds))}")
    # Stopping the process for every sample would show system calls far too large.
    shape = (
        "--nonblocking",
        "--rate",
        str(_PER_SECOND),
        "--format",
        form,
        "--output",
        str(target),
        "--function",
    )
    process = await asyncio.create_subprocess_exec(
        *(*dies_with_parent(), program, *words, *shape),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise HarnessError(
            f"py-spy could not look into process {pid}: {said.decode(errors='replace').strip()}\n"
            "It needs ptrace: run as root, or set /proc/sys/kernel/yama/ptrace_scope to 0; "
            "a container needs the capability SYS_PTRACE"
        )


def _find_py_spy() -> str:
    beside = Path(sys.executable).parent / "py-spy"
    found = str(beside) if beside.is_file() else shutil.which("py-spy")
    if found is None:
        raise HarnessError("py-spy was not found; run `make setup`")
    return found


def _print(name: str, outcome: Outcome, found: list[Share]) -> None:
    table = Table(
        title=f"{name}: {outcome.rate:.0f}/s, p50 {outcome.p50_ms:.1f} ms", title_justify="left"
    )
    table.add_column("own", justify="right")
    table.add_column("with calls", justify="right")
    table.add_column("function", overflow="fold")
    for share in found[:_SHOWN]:
        table.add_row(f"{share.own:.1%}", f"{share.total:.1%}", share.function)
    Console().print(table)

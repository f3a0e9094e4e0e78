"""Starts the load generator for one order and reads its outcome."""

import asyncio
import sys
from pathlib import Path

import msgspec

from bench.order import Order, Outcome
from harness.errors import HarnessError
from harness.labs.parent_death import dies_with_parent

_ROOT = Path(__file__).resolve().parent.parent


async def run_load(order: Order) -> Outcome:
    """Carry out an order in a process of its own; it never outlives this one.

    Raises `HarnessError` when it could not be carried out.
    """
    process = await asyncio.create_subprocess_exec(
        *(*dies_with_parent(), sys.executable, "-m", "bench.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        start_new_session=True,
    )
    try:
        written, complaint = await process.communicate(msgspec.json.encode(order))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise HarnessError(f"the load generator failed: {complaint.decode(errors='replace')}")
    return msgspec.json.decode(written, type=Outcome)

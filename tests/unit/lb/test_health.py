"""`/health` decides who gets requests, and who is started again: what is of use stays."""

from types import SimpleNamespace

import pytest

from lb.status import Status


def health(*, healthy: int, can_log: bool, is_active: bool = True, conflict: str = "") -> Status:
    status = object.__new__(Status)
    status.fleet = SimpleNamespace(healthy=healthy)
    status.wal = SimpleNamespace(is_available=can_log)
    status.guard = SimpleNamespace(conflict=conflict)
    status.is_active = is_active
    return status


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (health(healthy=2, can_log=True), 200, "ok"),
        (health(healthy=1, can_log=True), 200, "ok"),
        (health(healthy=2, can_log=False), 200, "degraded"),
        (health(healthy=0, can_log=True), 200, "degraded"),
        (health(healthy=0, can_log=False), 503, "unavailable"),
        (health(healthy=0, can_log=False, is_active=False), 200, "ok"),
        (health(healthy=0, can_log=True, conflict="the log was set back"), 503, "unavailable"),
    ],
)
def test_only_who_neither_reads_nor_logs_is_taken_out_of_the_way(
    status: Status, code: int, word: str
) -> None:
    answered, body = status.health()

    assert (answered, body["status"]) == (code, word)

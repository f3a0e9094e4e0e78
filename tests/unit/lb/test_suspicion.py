from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lb.model import Excuse, Failure, Standing, Suspicion
from lb.suspicion import (
    LONGEST_SUSPICION_SECONDS,
    CanaryAnswer,
    CanaryResult,
    encode_suspicion,
    judge,
    stored_suspicion,
)

A, B = "primary", "replica"
AT = datetime(2026, 1, 2, tzinfo=UTC)
UNKNOWN = "HTTP 500 Error sending message to compactor"
FULL = "HTTP 500 (code: 13) database or disk is full"
LOCKED = "HTTP 500 (code: 5) database is locked"


def a_failure(instance: str = A, error: str = UNKNOWN, failed_at: float = 10.0) -> Failure:
    return Failure(instance, error, AT, failed_at)


def suspect(*failures: Failure) -> Suspicion:
    return Suspicion(failures, Standing.SUSPECT, AT)


def a_canary(result: CanaryResult, error: str = "", began_at: float = 10.5) -> CanaryAnswer:
    return CanaryAnswer(began_at, began_at + 0.1, result, error)


TAKEN, SILENT = a_canary(CanaryResult.TAKEN), a_canary(CanaryResult.SILENT)


def failed(error: str, began_at: float = 11.0) -> CanaryAnswer:
    return a_canary(CanaryResult.FAILED, error, began_at)


@pytest.mark.parametrize(
    ("error", "canary", "standing"),
    [
        (UNKNOWN, None, Standing.SUSPECT),
        (UNKNOWN, TAKEN, Standing.CLEARED),
        (UNKNOWN, a_canary(CanaryResult.TAKEN, began_at=9.95), Standing.SUSPECT),
        (UNKNOWN, SILENT, Standing.SUSPECT),
        (UNKNOWN, a_canary(CanaryResult.REFUSED), Standing.SUSPECT),
        (UNKNOWN, failed(UNKNOWN), Standing.QUARANTINED),
        (UNKNOWN, failed(FULL), Standing.CLEARED),
        (UNKNOWN, failed(LOCKED), Standing.QUARANTINED),
        (UNKNOWN, failed(UNKNOWN, began_at=10.05), Standing.SUSPECT),
        (UNKNOWN, failed(UNKNOWN, began_at=8.0), Standing.SUSPECT),
        (UNKNOWN, replace(failed(UNKNOWN), heartbeat_failed=True), Standing.CLEARED),
        (UNKNOWN, replace(failed(UNKNOWN, began_at=8.0), heartbeat_failed=True), Standing.SUSPECT),
        (FULL, failed(FULL), Standing.CLEARED),
        (FULL, failed(LOCKED), Standing.CLEARED),
        (FULL, failed(UNKNOWN), Standing.QUARANTINED),
        (FULL, SILENT, Standing.CLEARED),
        (FULL, None, Standing.SUSPECT),
        (FULL, failed(FULL, began_at=8.0), Standing.SUSPECT),
    ],
)
def test_only_evidence_from_after_the_failure_clears_an_entry(
    error: str, canary: CanaryAnswer | None, standing: Standing
) -> None:
    canaries = {A: canary} if canary else {}

    assert judge(suspect(a_failure(error=error)), canaries, now=11.0).standing is standing


def test_an_instance_that_failed_before_accuses_nobody() -> None:
    failure = replace(a_failure(), was_failing=True)

    assert judge(suspect(failure), {A: failed(UNKNOWN)}, 11.0).standing is Standing.CLEARED


def test_an_entry_without_evidence_is_quarantined_in_the_end() -> None:
    suspicion = suspect(a_failure())

    last = judge(suspicion, {A: SILENT}, 10.0 + LONGEST_SUSPICION_SECONDS - 0.1)
    assert last.standing is Standing.SUSPECT
    ended = judge(suspicion, {A: SILENT}, 10.0 + LONGEST_SUSPICION_SECONDS)
    assert (ended.standing, A in ended.reason) == (Standing.QUARANTINED, True)


def test_every_failure_needs_an_excuse() -> None:
    suspicion = suspect(a_failure(A), a_failure(B))

    assert judge(suspicion, {A: TAKEN}, 11.0).standing is Standing.SUSPECT
    assert judge(suspicion, {A: TAKEN, B: TAKEN}, 11.0).standing is Standing.CLEARED
    assert judge(suspicion, {A: TAKEN, B: failed(UNKNOWN)}, 11.0).standing is Standing.QUARANTINED


def test_an_excuse_is_not_lost_when_the_instance_fails_later() -> None:
    first = judge(suspect(a_failure(A)), {A: TAKEN}, 11.0)
    second = replace(
        first,
        failures=(*first.failures, a_failure(B, failed_at=12.0)),
        standing=Standing.SUSPECT,
    )
    canaries = {A: failed(UNKNOWN, began_at=12.5), B: a_canary(CanaryResult.TAKEN, began_at=12.5)}

    judged = judge(second, canaries, 13.0)

    assert judged.standing is Standing.CLEARED
    assert [each.excuse for each in judged.failures] == [Excuse.SURVIVED, Excuse.SURVIVED]


@pytest.mark.parametrize(
    ("instances", "error", "standing"),
    [
        ((A, B), UNKNOWN, Standing.CLEARED),
        ((A, B, A), UNKNOWN, Standing.QUARANTINED),
        ((A, A, A, A), UNKNOWN, Standing.CLEARED),
    ],
)
def test_what_several_instances_survive_and_fail_is_quarantined_after_a_few_attempts(
    instances: tuple[str, ...], error: str, standing: Standing
) -> None:
    suspicion = suspect(*(a_failure(each, error) for each in instances))

    assert judge(suspicion, {A: TAKEN, B: TAKEN}, 11.0).standing is standing


def test_a_full_disk_on_every_instance_quarantines_nothing() -> None:
    suspicion = suspect(*(a_failure(each, FULL) for each in (A, B, A, B)))
    canaries = {A: failed(FULL), B: failed(FULL)}

    assert judge(suspicion, canaries, 11.0).standing is Standing.CLEARED


def test_a_suspicion_survives_being_stored_and_its_evidence_must_be_new() -> None:
    suspicion = replace(suspect(a_failure()), reason="because")

    restored = stored_suspicion(encode_suspicion(suspicion), now=500.0)

    assert restored == replace(suspicion, failures=(a_failure(failed_at=500.0),))
    assert stored_suspicion(None, 500.0) is None

import pytest

from harness.errors import UsageError
from harness.faults.registry import FAULTS, fault_named


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_by_its_name_and_its_name_by_the_fault(kind: str) -> None:
    fault = fault_named(f"{kind} replica")
    assert fault.target == "replica"
    assert fault_named(fault.name) == fault


def test_numbers_say_how_much() -> None:
    fault = fault_named("latency primary 2000 500")
    assert (fault.milliseconds, fault.jitter_milliseconds) == (2000, 500)  # type: ignore[attr-defined]
    assert fault.name == "latency primary 2000 500"


@pytest.mark.parametrize(
    "words",
    [
        "errors primary 500 writes",
        "fail-first replica 3 429 add",
        "drop-answer primary 2 upsert",
        "hold primary 8 1 delete",
        "clock-shift postgres -3600",
        "failpoint lb before-send:primary",
        "memory-limit replica 4",
        "cpu-limit lb 25",
        "torn-index primary header.bin",
    ],
)
def test_what_a_fault_is_measured_or_named_by_is_kept(words: str) -> None:
    assert fault_named(words).name == words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("errors primary 200", "a status is between 400 and 599"),
        ("errors primary 500 everything", "can be meant are all, reads, writes, heartbeat"),
        ("fail-first primary 0", "a count is between 1 and"),
        ("hold primary 0", "a number of seconds is between 1 and"),
        ("drop-answer primary 1 2 3", "does not take '1 2 3'"),
        ("", "there is no fault ''; the faults are kill, pause, cut"),
        ("burn primary", "there is no fault 'burn'"),
        ("kill", "needs a target, as in `kill primary`"),
        ("kill primary 5", "numbers that kill does not take"),
        ("latency primary long", "numbers that latency does not take"),
        ("latency primary 100 200", "a jitter below its latency"),
        ("latency primary 200 200", "a jitter below its latency"),
        ("bandwidth primary 0", "numbers are above 0"),
        ("slow-close primary -5", "numbers are above 0"),
        ("memory-limit primary 0", "numbers are above 0"),
        ("memory-limit primary 1000", "no request shows a limit above"),
        ("cpu-limit primary 0", "numbers are above 0"),
        ("cpu-limit primary 50", "a busy machine shows no limit above 25 %"),
        ("clock-shift primary -5", "cannot be told from delay"),
        ("clock-shift primary soon", "numbers that clock-shift does not take"),
        ("failpoint lb BANG", "words that failpoint does not take"),
        ("failpoint lb after-append now", "words that failpoint does not take"),
        ("torn-index primary length.bin", "can be torn are index_metadata.pickle, header.bin"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fault_named(words)

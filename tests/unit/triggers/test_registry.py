import pytest

from harness.errors import UnsupportedFaultError, UsageError
from harness.labs.base import Capability
from harness.triggers.registry import trigger_named
from tests.unit.faults.stand_ins import StandInLab


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("entry-visible", "entry-visible"),
        ("request-arrived primary add", "request-arrived primary add"),
        ("response-left replica", "response-left replica writes"),
    ],
)
def test_a_trigger_is_found_by_its_words(words: str, name: str) -> None:
    assert trigger_named(words).name == name
    assert trigger_named(name) == trigger_named(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "the events are entry-visible, request-arrived, response-left"),
        ("full-moon", "there is no event 'full-moon'"),
        ("entry-visible primary", "there is no event 'entry-visible primary'"),
        ("request-arrived", "say `request-arrived TARGET`"),
        ("response-left primary adds", "one of all, reads, writes, heartbeat"),
        ("response-left primary add add", "say `response-left TARGET`"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        trigger_named(words)


async def test_a_lab_that_cannot_intercept_is_refused() -> None:
    lab = StandInLab(capabilities=frozenset(Capability) - {Capability.INTERCEPT})
    with pytest.raises(UnsupportedFaultError, match="cannot intercept requests"):
        await trigger_named("request-arrived primary").refuse_unsupported(lab)


async def test_a_lab_without_postgres_has_no_entries_to_see() -> None:
    with pytest.raises(UnsupportedFaultError, match="has no postgres to look into"):
        await trigger_named("entry-visible").refuse_unsupported(StandInLab())

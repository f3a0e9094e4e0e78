"""Owns the words that name triggers: `entry-visible`, `request-arrived primary add`."""

from collections.abc import Callable, Mapping

from harness.errors import UsageError
from harness.http_proxy.rules import What
from harness.triggers.base import Trigger
from harness.triggers.entry_visible import WORD, EntryVisible
from harness.triggers.http_event import request_arrived, response_left

_OF_HTTP: Mapping[str, Callable[[str, What], Trigger]] = {
    "request-arrived": request_arrived,
    "response-left": response_left,
}
EVENTS = (WORD, *_OF_HTTP)


def trigger_named(words: str) -> Trigger:
    """Make the trigger that the words name; raises `UsageError` that says what is possible."""
    word, *rest = words.split() or [""]
    if word == WORD and not rest:
        return EntryVisible()
    if word not in _OF_HTTP:
        raise UsageError(f"there is no event {words!r}; the events are {', '.join(EVENTS)}")
    kinds = [what.value for what in What]
    target, *meant = rest or [""]
    if not target or len(meant) > 1 or not set(meant) <= set(kinds):
        raise UsageError(
            f"event {words!r}: say `{word} TARGET`, then which requests if not all writes: one of "
            f"{', '.join(kinds)}"
        )
    return _OF_HTTP[word](target, What(meant[0]) if meant else What.WRITES)

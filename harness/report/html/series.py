"""Owns the lines over time: rates by outcome, backlog of each instance, memory and CPU of servers.

A line runs parallel to the moments of its chart; None is where nobody measured.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import floor

import msgspec

from harness.model.cost import CostSample
from harness.model.observation import LbAnswer, LogSample
from harness.model.operation import Completion
from harness.report.html.facts import RunFacts

_MOST_BINS = 400
_BIN_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_MEGABYTE = 1e6
_WAL_STATUS = "/wal/status"


class Line(msgspec.Struct, frozen=True):
    """One named line."""

    name: str
    values: tuple[float | None, ...]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one chart over the same moments, in seconds."""

    moments: tuple[float, ...]
    lines: tuple[Line, ...]
    bin_seconds: float = 0.0


def rates(facts: RunFacts) -> Series:
    """Count how many operations a second ended how, in equal bins by the moment of completion."""
    width = next((w for w in _BIN_SECONDS if facts.end_seconds / w <= _MOST_BINS), _BIN_SECONDS[-1])
    counts: dict[Completion, Counter[int]] = {completion: Counter() for completion in Completion}
    for operation in facts.history.operations:
        bin_number = floor(facts.seconds(operation.completed_ns) / width)
        counts[operation.completion][bin_number] += 1
    bins = range(floor(facts.end_seconds / width) + 1)
    return Series(
        moments=tuple(number * width for number in bins),
        lines=tuple(
            Line(completion.value, tuple(round(found[number] / width, 3) for number in bins))
            for completion, found in counts.items()
        ),
        bin_seconds=width,
    )


def backlog(facts: RunFacts) -> Series:
    """Give the entries that each instance had not applied: by the log, else by the lb's word."""
    found = list(_pending_in_log(facts)) or list(_pending_by_word(facts))
    return _series(facts, found)


def memory(facts: RunFacts) -> Series:
    """Give the resident memory of each server, in megabytes."""
    return _series(
        facts, _by_moment((c.at_ns, c.server, c.rss_bytes / _MEGABYTE) for c in facts.costs)
    )


def processor(facts: RunFacts) -> Series:
    """Give the share of one processor that each server took since the last sample, in percent."""
    by_server: defaultdict[str, list[CostSample]] = defaultdict(list)
    for cost in facts.costs:
        by_server[cost.server].append(cost)
    shares = (
        (later.at_ns, server, 100 * (later.cpu_seconds - earlier.cpu_seconds) / seconds)
        for server, costs in by_server.items()
        for earlier, later in pairwise(costs)
        # A server that was started again begins anew.
        if later.cpu_seconds >= earlier.cpu_seconds
        and (seconds := (later.at_ns - earlier.at_ns) / 1e9)
    )
    return _series(facts, _by_moment(shares))


def _pending_in_log(facts: RunFacts) -> Iterator[tuple[int, Mapping[str, float]]]:
    for sample in facts.history.observed(LogSample):
        if sample.is_log:
            yield sample.answered_ns, sample.pending


def _pending_by_word(facts: RunFacts) -> Iterator[tuple[int, Mapping[str, float]]]:
    for answer in facts.history.observed(LbAnswer):
        if answer.path != _WAL_STATUS or answer.status != 200:
            continue
        try:
            told = msgspec.json.decode(answer.body, type=_Pending).pending_entries
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        yield answer.answered_ns, told if isinstance(told, dict) else {"all instances": told}


class _Pending(msgspec.Struct):
    pending_entries: dict[str, int] | int


def _by_moment(found: Iterable[tuple[int, str, float]]) -> list[tuple[int, Mapping[str, float]]]:
    moments: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for at_ns, name, value in found:
        moments[at_ns][name] = round(value, 2)
    return sorted(moments.items(), key=lambda each: each[0])


def _series(facts: RunFacts, found: list[tuple[int, Mapping[str, float]]]) -> Series:
    names = dict.fromkeys(name for _, values in found for name in values)
    return Series(
        moments=tuple(facts.seconds(at_ns) for at_ns, _ in found),
        lines=tuple(Line(name, tuple(values.get(name) for _, values in found)) for name in names),
    )

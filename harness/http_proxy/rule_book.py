"""Owns the rules that are in force for one server, and what each of them has done."""

import asyncio
import time
from dataclasses import dataclass, field

from harness.http_proxy.rules import Rule, Tally


@dataclass
class _Entry:
    rule: Rule
    tally: Tally
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    lifted: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Taken:
    """One request that a rule has singled out; its fate is noted here, to its end."""

    rule: Rule
    _entry: _Entry
    _request: str
    _is_ended: bool = False

    def note_event(self) -> None:
        """Note that the moment has come for which others may wait."""
        tally = self._entry.tally
        if not tally.first_ns:
            tally.first, tally.first_ns = self._request, time.monotonic_ns()
            self._entry.taken.set()

    async def wait_until_lifted(self) -> None:
        """Wait until the rule is not in force any more."""
        await self._entry.lifted.wait()

    def end(self, *, done: bool, given_up: bool = False) -> None:
        """Note what became of the request; what was noted first stays."""
        if self._is_ended:
            return
        self._is_ended = True
        tally = self._entry.tally
        tally.under_way -= 1
        tally.done += done
        tally.given_up += given_up


class RuleBook:
    """The rules for one server; the first one set that means a request has it."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def set(self, rule: Rule) -> None:
        """Put a rule in force, or put it in force anew with nothing counted."""
        self.lift(rule.name)
        self._entries[rule.name] = _Entry(rule, Tally(in_force=True))

    def lift(self, name: str) -> None:
        """End a rule; what it stopped goes on, what it holds comes at its time."""
        if name in self._entries:
            self._entries[name].tally.in_force = False
            self._entries[name].lifted.set()

    def tally(self, name: str) -> Tally:
        """Tell what a rule has done so far; nothing, if it never was."""
        return self._entries[name].tally if name in self._entries else Tally()

    async def await_taken(self, name: str) -> Tally:
        """Return when the rule has singled out a request."""
        await self._entries[name].taken.wait()
        return self._entries[name].tally

    def take(self, method: str, path: str) -> Taken | None:
        """Single a request out, if a rule in force means it and has not had its fill."""
        for entry in self._entries.values():
            rule, tally = entry.rule, entry.tally
            had_its_fill = rule.most is not None and tally.taken >= rule.most
            if not tally.in_force or had_its_fill or not rule.what.means(method, path):
                continue
            tally.taken += 1
            tally.under_way += 1
            return Taken(rule, entry, f"{method} {_tail(path)}")
        return None


def _tail(path: str) -> str:
    """Shorten a path to what tells requests apart: its last two words."""
    return "/".join(["...", *path.partition("?")[0].split("/")[-2:]])

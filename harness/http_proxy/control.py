"""Owns how the fault proxy is told what to do: one line of JSON asks, one line answers.

Each question has a connection of its own, so that one that waits is ended by closing it.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from harness.errors import LabError
from harness.http_proxy.rule_book import RuleBook
from harness.http_proxy.rules import Rule, Tally

_TIMEOUT_SECONDS = 5.0


class SetRule(msgspec.Struct, frozen=True, tag=True):
    """Put a rule in force."""

    target: str
    rule: Rule


class LiftRule(msgspec.Struct, frozen=True, tag=True):
    """End a rule."""

    target: str
    name: str


class AskTally(msgspec.Struct, frozen=True, tag=True):
    """Tell what a rule has done; where `awaited`, as soon as it has singled out a request."""

    target: str
    name: str
    awaited: bool = False


Command = SetRule | LiftRule | AskTally


class ControlServer:
    """The proxy's side: every command is answered by the tally of its rule."""

    def __init__(self, books: Mapping[str, RuleBook]) -> None:
        self._books = books

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one command."""
        try:
            if line := await reader.readline():
                tally = await self._obey(msgspec.json.decode(line, type=Command))
                writer.write(msgspec.json.encode(tally) + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _obey(self, command: Command) -> Tally:
        book = self._books[command.target]
        match command:
            case SetRule(_, rule):
                book.set(rule)
                return book.tally(rule.name)
            case LiftRule(_, name):
                book.lift(name)
                return book.tally(name)
            case AskTally(_, name, awaited):
                return await book.await_taken(name) if awaited else book.tally(name)


class Control:
    """The lab's side; raises `LabError` when the proxy does not answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def answers(self) -> bool:
        """Tell whether the proxy takes commands, which it does once it listens everywhere."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True

    async def ask(self, command: Command) -> Tally:
        """Give a command and return the tally; an awaited one may take for ever."""
        awaited = isinstance(command, AskTally) and command.awaited
        try:
            async with asyncio.timeout(None if awaited else _TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(msgspec.json.encode(command) + b"\n")
                    return msgspec.json.decode(await reader.readline(), type=Tally)
                finally:
                    writer.close()
        except (OSError, TimeoutError, msgspec.DecodeError) as error:
            raise LabError(
                f"the HTTP fault proxy did not obey {type(command).__name__}: {error!r}; "
                "see logs/http-proxy.log in the run directory"
            ) from error

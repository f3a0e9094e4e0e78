"""Owns the sequential models that the linearizability engine judges by. Knows no history."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from harness.checkers.linearizability.model import UNKNOWN, Model, Unknown

# A document or a key that is not there.
ABSENT = ""


@dataclass(frozen=True, slots=True)
class Read:
    """Read a register; the output is its value."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write a register; the output says nothing."""

    value: Hashable


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """Write `new` if the register holds `expected`; the output tells whether it did."""

    expected: Hashable
    new: Hashable


RegisterInput = Read | Write | CompareAndSet


class CasRegister(Model[Hashable, RegisterInput, Hashable]):
    """One register with read, write and compare-and-set."""

    def __init__(self, initial: Hashable = None) -> None:
        self._initial = initial

    def initial(self) -> Hashable:
        """Give the value that nobody wrote."""
        return self._initial

    def is_read(self, asked: RegisterInput) -> bool:
        """Tell whether it is a read."""
        return isinstance(asked, Read)

    def step(
        self,
        state: Hashable,
        asked: RegisterInput,
        output: Hashable | Unknown,
    ) -> tuple[bool, Hashable]:
        """Do one of the three."""
        match asked:
            case Write(value):
                return True, value
            case CompareAndSet(expected, new):
                done = state == expected
                return output in (UNKNOWN, done), new if done else state
            case Read():
                return output in (UNKNOWN, state), state


@dataclass(frozen=True, slots=True)
class Get:
    """Read a key; the output is its value, `ABSENT` when there is none."""

    key: Hashable


@dataclass(frozen=True, slots=True)
class Put:
    """Set a key; setting it to `ABSENT` removes it. The output says nothing."""

    key: Hashable
    value: str


@dataclass(frozen=True, slots=True)
class Append:
    """Put a text behind what the key has; the output says nothing."""

    key: Hashable
    value: str


StoreInput = Get | Put | Append


class KeyValueStore(Model[str, StoreInput, str]):
    """A map of keys to texts; every key is judged alone."""

    def initial(self) -> str:
        """Every key is absent at first."""
        return ABSENT

    def partition(self, asked: StoreInput) -> Hashable:
        """Name the key."""
        return asked.key

    def is_read(self, asked: StoreInput) -> bool:
        """Tell whether it is a get."""
        return isinstance(asked, Get)

    def step(
        self,
        state: str,
        asked: StoreInput,
        output: str | Unknown,
    ) -> tuple[bool, str]:
        """Do one of the three."""
        match asked:
            case Get():
                return output in (UNKNOWN, state), state
            case Put(_, value):
                return True, value
            case Append(_, value):
                return True, state + value


class Request(StrEnum):
    """What is asked of a document: `ADD` sets only what is absent, `UPDATE` only what is not."""

    UPSERT = "upsert"
    UPDATE = "update"
    ADD = "add"
    DELETE = "delete"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Access:
    """One request about the document `(collection, id)`; `token` names the content it brings."""

    request: Request
    document: tuple[str, str]
    token: str = ABSENT


class ChromaDocument(Model[str, Access, str]):
    """The documents of Chroma collections, each judged alone. Only `GET` has an output: the token.

    As observed on Chroma 1.5.9, an add of what is there and an update of what is not are
    acknowledged and change nothing. What several writes compose, such as metadata keys that are
    updated one by one, is several registers: each is judged as a document of its own.
    """

    def initial(self) -> str:
        """Every document is absent at first."""
        return ABSENT

    def partition(self, asked: Access) -> tuple[str, str]:
        """Name the document."""
        return asked.document

    def is_read(self, asked: Access) -> bool:
        """Tell whether it is a get."""
        return asked.request is Request.GET

    def step(
        self,
        state: str,
        asked: Access,
        output: str | Unknown,
    ) -> tuple[bool, str]:
        """Do one request."""
        match asked.request:
            case Request.GET:
                return output in (UNKNOWN, state), state
            case Request.UPSERT:
                return True, asked.token
            case Request.ADD:
                return True, state or asked.token
            case Request.UPDATE:
                return True, asked.token if state else state
            case Request.DELETE:
                return True, ABSENT

    def show_call(self, asked: Access, output: str | Unknown) -> str:
        """Name the request, what it brought, and what it was told."""
        if asked.request is Request.GET:
            return f"get -> {output or 'nothing'}"
        doubt = ", in doubt" if output is UNKNOWN else ""
        return f"{asked.request} {asked.token}".rstrip() + doubt

    def show_state(self, state: str) -> str:
        """Name what is there."""
        return state or "nothing is there"

    def show_partition(self, partition: Hashable) -> str:
        """Write it as a path."""
        return "/".join(partition) if isinstance(partition, tuple) else str(partition)

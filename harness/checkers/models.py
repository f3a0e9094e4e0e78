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

    def is_read(self, input: RegisterInput) -> bool:  # noqa: A002
        """Tell whether it is a read."""
        return isinstance(input, Read)

    def step(
        self,
        state: Hashable,
        input: RegisterInput,  # noqa: A002
        output: Hashable | Unknown,
    ) -> tuple[bool, Hashable]:
        """Do one of the three."""
        match input:
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

    def partition(self, input: StoreInput) -> Hashable:  # noqa: A002
        """Name the key."""
        return input.key

    def is_read(self, input: StoreInput) -> bool:  # noqa: A002
        """Tell whether it is a get."""
        return isinstance(input, Get)

    def step(
        self,
        state: str,
        input: StoreInput,  # noqa: A002
        output: str | Unknown,
    ) -> tuple[bool, str]:
        """Do one of the three."""
        match input:
            case Get():
                return output in (UNKNOWN, state), state
            case Put(_, value):
                return True, value
            case Append(_, value):
                return True, state + value


class Request(StrEnum):
    """What is asked of a document; `ADD` sets only one that is absent, `UPDATE` one that is there."""

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

    As observed on Chroma 1.5.9, an add of what is there and an update of what is not are acknowledged
    and change nothing. A write is taken to bring the whole content: that an upsert keeps metadata
    keys which it does not name is not modelled.
    """

    def initial(self) -> str:
        """Every document is absent at first."""
        return ABSENT

    def partition(self, input: Access) -> tuple[str, str]:  # noqa: A002
        """Name the document."""
        return input.document

    def is_read(self, input: Access) -> bool:  # noqa: A002
        """Tell whether it is a get."""
        return input.request is Request.GET

    def step(
        self,
        state: str,
        input: Access,  # noqa: A002
        output: str | Unknown,
    ) -> tuple[bool, str]:
        """Do one request."""
        match input.request:
            case Request.GET:
                return output in (UNKNOWN, state), state
            case Request.UPSERT:
                return True, input.token
            case Request.ADD:
                return True, state or input.token
            case Request.UPDATE:
                return True, input.token if state else state
            case Request.DELETE:
                return True, ABSENT

    def show_call(self, input: Access, output: str | Unknown) -> str:  # noqa: A002
        """Name the request, what it brought, and what it was told."""
        if input.request is Request.GET:
            return f"get -> {output or 'nothing'}"
        doubt = ", in doubt" if output is UNKNOWN else ""
        return f"{input.request} {input.token}".rstrip() + doubt

    def show_state(self, state: str) -> str:
        """Name what is there."""
        return state or "nothing is there"

    def show_partition(self, partition: Hashable) -> str:
        """Write it as a path."""
        return "/".join(partition) if isinstance(partition, tuple) else str(partition)

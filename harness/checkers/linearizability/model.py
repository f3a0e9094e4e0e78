"""Owns what the engine is told: a sequential model of a service, and the calls that were made."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

StateT = TypeVar("StateT", bound=Hashable)
InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")


class Unknown(Enum):
    """The type of `UNKNOWN`, the output of a call that never returned."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Call(Generic[InputT, OutputT]):
    """One call of a client: from `invoked_ns` to `returned_ns`, with what it was told.

    A call whose outcome is in doubt never returned (`returned_ns` is None, the output `UNKNOWN`):
    it may have taken effect at any time after its invocation, or never. A call that certainly
    did not happen is no call: leave it out. Raises `ValueError` for a return before the invocation.
    """

    name: str
    input: InputT
    output: OutputT | Unknown
    invoked_ns: int
    returned_ns: int | None

    def __post_init__(self) -> None:
        if self.returned_ns is not None and self.returned_ns < self.invoked_ns:
            raise ValueError(f"{self.name} returned before it was invoked")


class Model(ABC, Generic[StateT, InputT, OutputT]):
    """What a service does when it is asked one thing at a time. States are immutable and hashable.

    Calls of different partitions must be independent of each other: each partition is judged alone,
    from the initial state, and the history is linearizable when every one of them is.
    """

    @abstractmethod
    def initial(self) -> StateT:
        """Give the state before the first call."""

    @abstractmethod
    def step(
        self,
        state: StateT,
        asked: InputT,
        output: OutputT | Unknown,
    ) -> tuple[bool, StateT]:
        """Tell whether `output` is right for `asked` in this state, and give the state after it."""

    def partition(self, asked: InputT) -> Hashable:
        """Name the part of the service that the call is about; by default there is only one."""
        del asked
        return ""

    def is_read(self, asked: InputT) -> bool:
        """Tell whether the call can change no state at all; saying so makes the search faster."""
        del asked
        return False

    def show_call(self, asked: InputT, output: OutputT | Unknown) -> str:
        """Put a call in words, for evidence."""
        return f"{asked} -> {'unknown' if output is UNKNOWN else output}"

    def show_state(self, state: StateT) -> str:
        """Put a state in words, for evidence."""
        return str(state)

    def show_partition(self, partition: Hashable) -> str:
        """Put a partition in words, for messages."""
        return str(partition)

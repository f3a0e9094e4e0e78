"""Reads: sent to an instance that is fresh enough, hedged and retried on others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from lb.errors import (
    BadGatewayError,
    BrokenMappingError,
    InstanceError,
    InstanceUnreachableError,
    NoInstanceError,
)
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.model import Answer
from lb.upstream import Upstream, describe

ATTEMPTS_PER_INSTANCE = 2


@dataclass(frozen=True)
class Question:
    """A read as it is to be put to any instance.

    `path` gives the path on an instance, `may_ask` whether the instance is fresh enough now, and
    `note` is told which instance has answered. `missing_is_fault`: a 404 accuses the instance.
    `accuse` is told which instance answered with a 5xx, and with which, when another one could.
    """

    method: str
    path: Callable[[str], str]
    body: bytes = b""
    content_type: str = ""
    may_ask: Callable[[str], bool] = lambda _: True
    note: Callable[[str], None] = lambda _: None
    missing_is_fault: Callable[[], bool] = lambda: False
    accuse: Callable[[str, str], None] = lambda _instance, _error: None


@dataclass
class _Course:
    """How one read is going: who was asked, and what went wrong."""

    running: "dict[asyncio.Task[Answer], Instance]" = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    server_errors: dict[str, str] = field(default_factory=dict)
    hedge_at: float = 0.0
    refusal: Answer | None = None
    last_error: str = "no instance is healthy and up to date"


class Reads:
    """Asks instances until one gives a definite answer, or the time is over."""

    def __init__(
        self,
        upstreams: dict[str, Upstream],
        tail: LogTail,
        clock: Callable[[], float],
        timeout_seconds: float,
        hedge_max_seconds: float,
    ) -> None:
        self._upstreams = upstreams
        self._tail = tail
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._hedge_max_seconds = hedge_max_seconds
        self._turn = 0

    async def ask(self, question: Question) -> Answer:
        """Return the first definite answer, or an instance's 5xx if all it got is that.

        Raises `NoInstanceError` when none could be asked in time, `BadGatewayError` when all that
        were asked broke the connection.
        """
        course = _Course()
        deadline = self._clock() + self._timeout_seconds
        try:
            while self._clock() < deadline:
                self._start_if_due(question, course)
                if not course.running and self._is_exhausted(course):
                    return self._give_up(course)
                answer = await self._wait(question, course, deadline)
                if answer is not None:
                    return answer
        finally:
            for task in course.running:
                task.cancel()
            await asyncio.gather(*course.running, return_exceptions=True)
        raise NoInstanceError(f"no answer in time: {course.last_error}")

    def _start_if_due(self, question: Question, course: _Course) -> None:
        """Ask one more instance if none is being asked, or if those that are take long."""
        if course.running and self._clock() < course.hedge_at:
            return
        instance = self._choose(question, course)
        if instance is None:
            return
        task = asyncio.create_task(
            self._attempt(question, instance), name=f"read from {instance.name}"
        )
        course.running[task] = instance
        instance.outstanding_reads += 1
        task.add_done_callback(lambda _: instance.note_read_done())
        delay = instance.read_latency.hedge_seconds(self._hedge_max_seconds)
        course.hedge_at = self._clock() + delay

    def _choose(self, question: Question, course: _Course) -> Instance | None:
        """Choose the least busy instance that may be asked; equals take turns."""
        busy = set(course.running.values())
        able = [
            instance
            for instance in self._tail.fleet.readable
            if instance not in busy
            and course.failures.get(instance.name, 0) < ATTEMPTS_PER_INSTANCE
            and question.may_ask(instance.name)
        ]
        if not able:
            return None
        self._turn += 1
        turned = able[self._turn % len(able) :] + able[: self._turn % len(able)]
        return min(turned, key=lambda instance: instance.outstanding_reads)

    def _is_exhausted(self, course: _Course) -> bool:
        readable = self._tail.fleet.readable
        return bool(readable) and all(
            course.failures.get(instance.name, 0) >= ATTEMPTS_PER_INSTANCE for instance in readable
        )

    async def _attempt(self, question: Question, instance: Instance) -> Answer:
        upstream = self._upstreams[instance.name]
        path = question.path(instance.name)
        answer = await upstream.read(question.method, path, question.body, question.content_type)
        if answer.status == 404 and question.missing_is_fault():
            raise BrokenMappingError(instance.name, f"does not have the collection: {path}")
        question.note(instance.name)
        return answer

    async def _wait(self, question: Question, course: _Course, deadline: float) -> Answer | None:
        """Wait for an answer, for the time to hedge, or for an instance that may be asked."""
        now = self._clock()
        waiting: set[asyncio.Task[Answer] | asyncio.Task[Literal[True]]] = set(course.running)
        until, moved = min(course.hedge_at, deadline), None
        if not course.running or now >= course.hedge_at:
            move = self._tail.next_move()
            moved = asyncio.create_task(move.wait(), name="wait for the log to move")
            waiting.add(moved)
            until = deadline
        try:
            await asyncio.wait(
                waiting, timeout=max(0.0, until - now), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if moved is not None:
                moved.cancel()
        for task in [task for task in course.running if task.done()]:
            instance = course.running.pop(task)
            answer = self._judge(question, course, instance, task)
            if answer is not None:
                return answer
        return None

    def _judge(
        self,
        question: Question,
        course: _Course,
        instance: Instance,
        task: "asyncio.Task[Answer]",
    ) -> Answer | None:
        """Return the answer if it is definite, else note the failure against the instance."""
        try:
            answer = task.result()
        except InstanceError as error:
            course.last_error = str(error)
            instance.last_error = error.cause
            if isinstance(error, BrokenMappingError):
                instance.on_missing()
            if isinstance(error, InstanceUnreachableError):
                instance.suspect(error.cause)
        else:
            if answer.status < 500:
                for other in course.running.values():
                    other.doubt()
                if answer.is_success:
                    course.server_errors.pop(instance.name, None)
                    for name, failure in course.server_errors.items():
                        question.accuse(name, failure)
                return answer
            course.refusal = answer
            course.last_error = course.server_errors[instance.name] = describe(answer)
        course.failures[instance.name] = course.failures.get(instance.name, 0) + 1
        return None

    def _give_up(self, course: _Course) -> Answer:
        if course.refusal is not None:
            return course.refusal
        raise BadGatewayError(f"every instance failed this read: {course.last_error}")

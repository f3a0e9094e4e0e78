"""Reads: sent to an instance that is fresh enough, hedged and retried on others."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from lb.errors import (
    BadGatewayError,
    BrokenMappingError,
    InstanceError,
    InstanceUnreachableError,
    NoInstanceError,
)
from lb.hedging import with_backup
from lb.instances import Instance
from lb.log_tail import LogTail
from lb.model import Answer
from lb.upstream import Upstream, describe

ATTEMPTS_PER_INSTANCE = 2
READS_IN_A_ROW = 32
"""How many reads an instance gets before another one that is as idle, while nothing is written:
what was just read is still in the processor's caches, and reads in turn would drive it out of both.
While an instance lacks something each read goes to the next one: what is wrong with one shows soon.
"""

_OUTSTANDING = attrgetter("outstanding_reads")


class Question(NamedTuple):
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

    deadline: float
    running: "dict[asyncio.Future[Answer], Instance]" = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    server_errors: dict[str, str] = field(default_factory=dict)
    hedge_at: float = 0.0
    is_hedged: bool = False
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
        self._chosen = 0

    async def ask(self, question: Question) -> Answer:
        """Return the first definite answer, or an instance's 5xx if all it got is that.

        Raises `NoInstanceError` when none could be asked in time, `BadGatewayError` when all that
        were asked broke the connection.
        """
        course = _Course(self._clock() + self._timeout_seconds)
        instance = self._choose(question, course)
        if instance is None:
            return await self._pursue(question, course)
        outcome = await self._ask_first(question, course, instance)
        if course.is_hedged and isinstance(outcome, Answer):
            return outcome  # It has been judged beside the others'.
        answer = self._judge(question, course, instance, outcome)
        return answer or await self._pursue(question, course)

    async def _ask_first(
        self, question: Question, course: _Course, instance: Instance
    ) -> Answer | InstanceError:
        """Ask in the caller's own task, which is all that most reads need.

        If it takes long, others are asked as well, and what they all bring has been judged.
        """
        instance.outstanding_reads += 1
        delay = instance.read_latency.hedge_seconds(self._hedge_max_seconds)
        course.hedge_at = self._clock() + delay

        def hedge(of_first: asyncio.Future[Answer]) -> Coroutine[Any, Any, Answer]:
            course.is_hedged = True
            course.running[of_first] = instance
            return self._pursue(question, course)

        attempt = self._attempt(question, instance)
        try:
            return await with_backup(attempt, min(delay, self._timeout_seconds), hedge)
        except InstanceError as error:
            return error
        finally:
            instance.note_read_done()

    async def _pursue(self, question: Question, course: _Course) -> Answer:
        """Ask further instances, beside those that are being asked, until the course ends."""
        try:
            while self._clock() < course.deadline:
                self._start_if_due(question, course)
                if not course.running and self._is_exhausted(course):
                    return self._give_up(course)
                answer = await self._wait(question, course)
                if answer is not None:
                    return answer
        finally:
            if course.running:
                for asked in course.running:
                    asked.cancel()
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
        able = [each for each in self._tail.fleet.readable if question.may_ask(each.name)]
        if course.running or course.failures:
            busy = set(course.running.values())
            able = [
                instance
                for instance in able
                if instance not in busy
                and course.failures.get(instance.name, 0) < ATTEMPTS_PER_INSTANCE
            ]
        if not able:
            return None
        turn = self._chosen // READS_IN_A_ROW % len(able)
        self._chosen += 1 if self._tail.is_drained else READS_IN_A_ROW
        turned = able[turn:] + able[:turn]
        return min(turned, key=_OUTSTANDING)

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

    async def _wait(self, question: Question, course: _Course) -> Answer | None:
        """Wait for an answer, for the time to hedge, or for an instance that may be asked."""
        now = self._clock()
        if course.running and now < course.hedge_at:
            await one_of(course.running, min(course.hedge_at, course.deadline) - now)
        else:
            move = self._tail.next_move()
            moved = asyncio.create_task(move.wait(), name="wait for the log to move")
            try:
                await one_of((*course.running, moved), max(0.0, course.deadline - now))
            finally:
                moved.cancel()
        for task in [task for task in course.running if task.done()]:
            instance = course.running.pop(task)
            answer = self._judge(question, course, instance, outcome_of(task))
            if answer is not None:
                return answer
        return None

    def _judge(
        self,
        question: Question,
        course: _Course,
        instance: Instance,
        outcome: Answer | InstanceError,
    ) -> Answer | None:
        """Return the answer if it is definite, else note the failure against the instance."""
        if isinstance(outcome, InstanceError):
            course.last_error = str(outcome)
            instance.last_error = outcome.cause
            if isinstance(outcome, BrokenMappingError):
                instance.on_missing()
            if isinstance(outcome, InstanceUnreachableError):
                instance.suspect(outcome.cause)
        elif outcome.status < 500:
            for other in course.running.values():
                other.doubt()
            if outcome.is_success:
                course.server_errors.pop(instance.name, None)
                for name, failure in course.server_errors.items():
                    question.accuse(name, failure)
            return outcome
        else:
            course.refusal = outcome
            course.last_error = course.server_errors[instance.name] = describe(outcome)
        course.failures[instance.name] = course.failures.get(instance.name, 0) + 1
        return None

    def _give_up(self, course: _Course) -> Answer:
        if course.refusal is not None:
            return course.refusal
        raise BadGatewayError(f"every instance failed this read: {course.last_error}")


def outcome_of(asked: asyncio.Future[Answer]) -> Answer | InstanceError:
    """Return how an attempt ended; raises what is not the instance's affair."""
    try:
        return asked.result()
    except InstanceError as error:
        return error


async def one_of(tasks: Collection[asyncio.Future[Any]], timeout_seconds: float) -> None:
    """Wait until one of the tasks has ended, or the time has.

    What `asyncio.wait` does beyond that costs more than all else that a read needs here.
    """
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(timeout_seconds, wake)
    for task in tasks:
        task.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        for task in tasks:
            task.remove_done_callback(wake)

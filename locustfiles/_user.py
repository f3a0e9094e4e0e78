"""The user that all others here are: it does what its traffic says, at intended starts."""

import time

import gevent
from gevent.event import Event
from locust import FastHttpUser, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.model.operation import Kind
from harness.workloads.pace import ClosedPace, Pace
from harness.workloads.traffic import create
from locustfiles import _lifecycle
from locustfiles._recording import recording_of

_lifecycle.register()

_TIMEOUT_SECONDS = 10.0
_STAGGER = 0.618


def is_last(environment: Environment, done: int) -> bool:
    """Tell whether nobody is left to wait for; a master sees that by itself, somewhat later."""
    runner = environment.runner
    return isinstance(runner, LocalRunner) and runner.target_user_count == done


class RecordedUser(FastHttpUser):
    """One logical single-threaded client; it creates collections that nobody has yet."""

    abstract = True
    traffic = ""
    network_timeout = connection_timeout = _TIMEOUT_SECONDS
    max_redirects = 0

    def on_start(self) -> None:
        """Take a name, by which the seed decides what is done, and a place in the pace."""
        recording = recording_of(self.environment)
        self._leave = Event()
        self._recording = recording
        self._member = recording.member(self.traffic, self.client)
        now_ns = time.monotonic_ns()
        rate = recording.options.rate_per_user
        self._pace: Pace | ClosedPace = ClosedPace(now_ns, 0)
        if rate > 0:
            interval_ns = round(1e9 / rate)
            first_ns = now_ns + round(self._member.number * _STAGGER % 1 * interval_ns)
            self._pace = Pace(first_ns, interval_ns)
        self._intended_ns = self._pace.first_ns

    @task
    def operate(self) -> None:
        """Do the next thing when it is intended."""
        ahead_seconds = (self._intended_ns - time.monotonic_ns()) / 1e9
        if self._leave.wait(max(0.0, ahead_seconds)):
            raise StopUser
        invocation = next(self._member.invocations, None)
        if invocation is None:
            self._recording.count_done()
            if is_last(self.environment, self._recording.done):
                gevent.spawn(self.environment.runner.quit)
            raise StopUser
        collection = invocation.collection
        if invocation.kind is not Kind.CREATE and not self._recording.knows(collection):
            creation = create(self._member.client, collection)
            self._member.session.perform(creation, time.monotonic_ns())
        self._member.session.perform(invocation, self._intended_ns)
        self._intended_ns = self._pace.next_ns(self._intended_ns, time.monotonic_ns())

    def wait_time(self) -> float:
        """Give no time to wait: a user who waits in locust's way is killed where it goes on."""
        return 0.0

    def stop(self, force: bool = False) -> bool:
        """Let the user finish what it does and then go; it is waited for."""
        if force or self._state is None:
            return bool(super().stop(force))
        self._leave.set()
        self._state = LOCUST_STATE_STOPPING
        return False

"""The shape that `--shape` names, as locust asks for it: once a second."""

from locust import LoadTestShape

from harness.load.shapes import Level, level_at, levels_of
from locustfiles._recording import recording_of

# Users of an upload end by themselves, and workers tell of it; before, the first must have begun.
_BEGUN_SECONDS = 2.0


class ChosenShape(LoadTestShape):
    """Gives the users of the level that it is time for, all of them at once."""

    use_common_options = True

    def __init__(self) -> None:
        super().__init__()
        self._level: Level | None = None

    def tick(self) -> tuple[int, float] | None:
        """Say how many users there are to be; nothing ends the load."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        users = options.num_users or 1
        levels = levels_of(options.shape, users, options.run_time)
        passed_seconds = self.get_run_time()
        level = level_at(levels, passed_seconds)
        all_done = passed_seconds > _BEGUN_SECONDS and self.runner.user_count == 0
        if level is None or all_done:
            return None
        if level is not self._level:
            if level != self._level:
                recording_of(self.runner.environment).begin_phase(level.name)
            self._level = level
        # As many a second as there are at all: they come, and go, at once.
        return level.users, float(users)

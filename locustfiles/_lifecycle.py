"""What happens when a load begins and ends, alone or as one of several load generators.

alone      history.jsonl
master     parts/master.jsonl (the phases)  --+
worker n   parts/worker-n.jsonl             --+--> history.jsonl, merged by the master
"""

import signal
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import gevent
from locust import events
from locust.env import Environment
from locust.runners import STATE_INIT, MasterRunner, Runner, WorkerRunner

from harness.errors import HarnessError
from harness.load.parts import merged
from harness.load.thresholds import NOTHING_DONE, Reached, exit_code
from harness.model.history import CLIENTS_STOPPED, History, RecordFile, read_history
from harness.runner.run_directory import RunDirectory
from locustfiles import _options
from locustfiles._recording import Recording, is_recording, keep, recording_of

# Longer than any request may take, so that users who have to go finish what they do.
_STOP_SECONDS = 15.0
_PARTS_SECONDS = 20.0
_INTERVAL_SECONDS = 0.1


def register() -> None:
    """Let locust call what is here."""
    events.init_command_line_parser.add_listener(_add_options)
    events.init.add_listener(_prepare)
    events.test_start.add_listener(_begin)
    events.quitting.add_listener(_end)


def _add_options(parser: ArgumentParser, **_: Any) -> None:
    _options.add_options(parser)


def _prepare(environment: Environment, **_: Any) -> None:
    """Begin the history, in a new directory; a worker is told all about it when it starts."""
    environment.stop_timeout = environment.stop_timeout or _STOP_SECONDS
    if isinstance(environment.runner, WorkerRunner):
        return
    options = environment.parsed_options
    assert options is not None
    assert environment.runner is not None
    # Locust itself listens to it only when the shape is over.
    gevent.signal_handler(signal.SIGTERM, _leave, environment.runner)
    now = _options.now()
    _options.complete(options, now)
    directory = RunDirectory(Path(options.run_directory))
    try:
        directory.create()
    except HarnessError as error:
        sys.exit(f"locust: {error}")
    directory.describe(
        {
            "scenario": f"locust-{options.shape}",
            "seed": options.seed,
            "started_at": now.isoformat(timespec="seconds"),
            "configuration": {
                "host": options.host,
                "users": options.num_users,
                "seconds": options.run_time,
                "rate_per_user": options.rate_per_user,
                "traffic": _traffic(environment),
            },
            "workload": asdict(_options.settings_of(options, _traffic(environment))),
        }
    )
    is_master = isinstance(environment.runner, MasterRunner)
    path = _parts(directory.path) / "master.jsonl" if is_master else directory.history
    keep(environment, Recording(path, options, _traffic(environment), generator=0))


def _leave(runner: Runner) -> None:
    """End the load; a master that waits for its workers has none to end."""
    if runner.state == STATE_INIT:
        sys.exit(NOTHING_DONE)
    runner.quit()


def _begin(environment: Environment, **_: Any) -> None:
    """Begin a worker's part, now that it knows what its master's options are."""
    runner, options = environment.runner, environment.parsed_options
    if isinstance(runner, WorkerRunner) and not is_recording(environment):
        assert options is not None
        path = _part_of_worker(options.run_directory, runner.worker_index)
        keep(environment, Recording(path, options, _traffic(environment), runner.worker_index))


def _end(environment: Environment, **_: Any) -> None:
    """Stop all users, complete the history, and say whether the thresholds were kept."""
    assert environment.runner is not None
    environment.runner.quit()
    if is_recording(environment):
        recording_of(environment).close()
    if isinstance(environment.runner, WorkerRunner):
        return
    environment.process_exit_code = _verdict(environment)
    if isinstance(environment.runner, MasterRunner):
        try:
            _merge(environment.runner, Path(recording_of(environment).options.run_directory))
        except HarnessError as error:
            click.echo(f"locust: {error}", err=True)
            environment.process_exit_code = NOTHING_DONE


def _verdict(environment: Environment) -> int:
    total = environment.stats.total
    reached = Reached(
        requests=total.num_requests,
        failures=total.num_failures,
        p95_ms=float(total.get_response_time_percentile(0.95) or 0),
        p99_ms=float(total.get_response_time_percentile(0.99) or 0),
        requests_per_second=total.total_rps,
    )
    assert environment.parsed_options is not None
    thresholds = _options.thresholds_of(environment.parsed_options)
    for missed in thresholds.missed(reached):
        click.echo(f"threshold missed: {missed}", err=True)
    click.echo(f"history: {environment.parsed_options.run_directory}", err=True)
    return exit_code(thresholds, reached)


def _merge(runner: MasterRunner, directory: Path) -> None:
    """Write one history of all parts, as soon as every worker has completed its own."""
    paths = [_part_of_worker(directory, index) for index in runner.worker_indexes.values()]
    with gevent.Timeout(_PARTS_SECONDS, False):
        while not all(map(_is_complete, paths)):
            gevent.sleep(_INTERVAL_SECONDS)
    if missing := [path.name for path in paths if not _is_complete(path)]:
        raise HarnessError(
            f"no whole history: {', '.join(missing)} in {_parts(directory)}. Workers of a history "
            "are on the machine of their master, whose clock they share"
        )
    master = read_history(_parts(directory) / "master.jsonl")
    parts: list[History] = [master, *map(read_history, paths)]
    whole = RecordFile(RunDirectory(directory).history, parts[0].header)
    for record in merged(parts):
        whole.append(record)
    whole.close()


def _is_complete(path: Path) -> bool:
    return path.exists() and read_history(path).milestone(CLIENTS_STOPPED) is not None


def _parts(directory: str | Path) -> Path:
    return Path(directory) / "parts"


def _part_of_worker(directory: str | Path, index: int) -> Path:
    return _parts(directory) / f"worker-{index}.jsonl"


def _traffic(environment: Environment) -> str:
    """Name what the users do, of all classes that were chosen."""
    return "+".join(sorted({user.traffic for user in environment.user_classes}))  # type: ignore[attr-defined]

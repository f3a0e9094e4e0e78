"""Owns the course of one run in a lab: steady state, phases with their faults, rest, verdicts."""

import asyncio
import shlex
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from harness.checkers.judge import judge
from harness.client.addresses import Addresses
from harness.client.instance_reader import InstanceReader
from harness.client.lb_voice import LbVoice
from harness.client.log_reader import LogReader
from harness.client.recording import ClientContext, RecordingClient
from harness.labs.base import Lab
from harness.load.settings import LoadSettings
from harness.model.final_state import FinalState, write_final_states
from harness.model.history import CLIENTS_STOPPED, Header, History, HistoryWriter, Milestone
from harness.model.verdict import Outcome, Verdict, combine
from harness.report.progress import Progress
from harness.report.standing import Tally
from harness.report.summary import write_summary
from harness.runner.client_process import SETUP, client_processes, taking_part
from harness.runner.convergence_watch import ConvergenceWatch
from harness.runner.first_error import first_error_of_group
from harness.runner.guest import guest_of
from harness.runner.inspection import Inspection
from harness.runner.load_generator import LoadGenerator, LoadPlan
from harness.runner.nemesis import Nemesis
from harness.runner.observer import Observer
from harness.runner.phase_timeline import PhaseTimeline
from harness.runner.quiescence import read_final_states, settle
from harness.runner.run_directory import RunDirectory, verdict_file, write_json
from harness.runner.sampler import sample
from harness.runner.scenario import Disruption, Phase, Scenario, schedule_of
from harness.runner.steady_state import reach_steady_state
from harness.runner.supervisor import Supervisor
from harness.runner.triggered import Triggered
from harness.workloads.registry import preparation_of
from harness.workloads.settings import Addressing, WorkloadSettings


@dataclass(frozen=True)
class RunSettings:
    """What to run, and where its files go.

    `options` are those of `chroma-chaos run` that repeat it, but for what is done in it. With a
    `load` locust's users work instead of the workload's clients.
    `rest_seconds` is how long instances get to agree. Past the promised limit already, but a
    system that agrees late is told from one that never does.
    """

    scenario: Scenario
    seed: int
    directory: RunDirectory
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    options: tuple[str, ...] = ()
    rest_seconds: float = 20.0
    load: LoadSettings | None = None

    @property
    def command(self) -> str:
        """The command line that repeats the run; empty for one that no `run` command made."""
        if not self.options:
            return ""
        if self.load is not None:
            return shlex.join(["chroma-chaos", "load", *self.options])
        what = [self.scenario.name]
        if self.scenario.schedule is not None:
            what = ["--schedule", str(self.directory.schedule)]
        return shlex.join(["chroma-chaos", "run", *what, *self.options])


@dataclass(frozen=True)
class RunResult:
    """What a run saw, and what the checkers say to it."""

    history: History
    finals: tuple[FinalState, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """The verdict of the whole run."""
        return combine(self.verdicts)

    def verdict(self, checker: str) -> Verdict:
        """Find the verdict of one checker."""
        return next(verdict for verdict in self.verdicts if verdict.checker == checker)


@dataclass(frozen=True)
class _Stage:
    """What takes part in a run, besides the lab."""

    log: HistoryWriter
    timeline: PhaseTimeline
    readers: tuple[InstanceReader, ...]
    addresses: Addresses
    setup: RecordingClient
    clients: tuple[RecordingClient, ...]
    voice: LbVoice
    log_reader: LogReader | None
    supervisor: Supervisor


class Run:
    """One run of one scenario in a lab that is up; `conduct` is called once."""

    def __init__(
        self,
        settings: RunSettings,
        lab: Lab,
        progress: Progress,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._settings = settings
        self._lab = lab
        self._progress = progress
        self._clock = clock
        self._guest = guest_of(lab, settings.seed)
        prefix = self._guest.prefix
        count = settings.workload.collections
        self._collections = tuple(f"{prefix}files_{n}" for n in range(1, count + 1))
        self._header = Header(
            scenario=settings.scenario.name,
            seed=settings.seed,
            dimensions=settings.workload.dimensions,
            prefix=prefix,
            limits=settings.scenario.limits,
            faults=tuple(fault.name for fault in settings.scenario.faults),
            workload=settings.workload.name,
            text_bytes=settings.workload.text_bytes,
            shared=self._guest.is_shared,
        )

    async def conduct(self) -> RunResult:
        """Run the scenario, judge it, and write what was seen and said to the run directory.

        Raises `HarnessError` when the run could not be made, which says nothing about the system.
        """
        await self._settings.scenario.refuse_unsupported(self._lab)
        directory = self._settings.directory
        write_json(directory.schedule, schedule_of(self._settings.scenario, self._settings.seed))
        with HistoryWriter(directory.history, self._header) as log, first_error_of_group():
            finals = await self._experiment(log)
        write_final_states(directory.final, finals)
        result = RunResult(log.history, finals, judge(log.history, finals))
        directory.verdict.write_bytes(verdict_file(result.history, result.verdicts))
        write_summary(directory.summary, result.history, result.verdicts)
        return result

    async def _experiment(self, log: HistoryWriter) -> tuple[FinalState, ...]:
        over, at_rest = asyncio.Event(), asyncio.Event()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as background:
            stage = await self._set_stage(log, stack)
            background.create_task(self._sample(stage, over), name="sampler")
            background.create_task(stage.supervisor.watch(over), name="supervisor")
            sources = (log, stage.voice, stage.log_reader, stage.readers)
            observer = Observer(*sources, self._clock)
            background.create_task(observer.watch(over), name="observer")
            rest_seconds = self._settings.rest_seconds
            watch = ConvergenceWatch(
                log, stage.readers, stage.clients, self._clock, rest_seconds, at_rest
            )
            try:
                self._progress.phase("steady state", 0)
                await self._steady_state(stage)
                await self._work(stage, watch, background)
                self._progress.phase("rest", 0)
                await settle(log, stage.readers, self._guest.pending, self._clock, rest_seconds)
                at_rest.set()
                finals = await read_final_states(log, stage.readers, self._clock)
                await Inspection(*sources).inspect()
                return finals
            finally:
                over.set()

    async def _steady_state(self, stage: _Stage) -> None:
        workload = self._settings.workload
        await reach_steady_state(
            stage.setup,
            stage.readers,
            self._collections,
            ()
            if self._settings.load
            else preparation_of(workload, self._settings.seed, self._collections),
            self._clock,
        )
        if workload.addressing in (Addressing.INSTANCE, Addressing.MIXED):
            for reader in stage.readers:
                for name, collection in (await reader.collections()).items():
                    stage.addresses.seen_on_instance(name, collection.id)

    async def _set_stage(self, log: HistoryWriter, stack: AsyncExitStack) -> _Stage:
        timeline = PhaseTimeline(log, self._clock)
        context = ClientContext(
            lb_url=self._lab.lb_url,
            log=log,
            phase_at=timeline.at,
            clock=self._clock,
            new_transaction_id=lambda: str(uuid.uuid4()),
            protected=self._guest.protected,
            headers=self._guest.headers,
        )
        schedule = self._settings.scenario.schedule
        chosen = schedule.clients if schedule else ()
        count = 0 if self._settings.load else self._settings.workload.clients
        names = taking_part(count, chosen)
        readers = [
            await stack.enter_async_context(
                InstanceReader(instance.name, instance.url, self._header.prefix)
            )
            for instance in self._lab.instances
        ]
        setup, *clients = [
            await stack.enter_async_context(RecordingClient(name, context))
            for name in (SETUP, *names)
        ]
        voice = await stack.enter_async_context(
            LbVoice(self._lab.lb_url, self._clock, headers=self._guest.headers)
        )
        log_reader = self._log_reader()
        if log_reader is not None:
            stack.callback(log_reader.close)
        return _Stage(
            log,
            timeline,
            tuple(readers),
            context.addresses,
            setup,
            tuple(clients),
            voice,
            log_reader,
            Supervisor(self._lab, log, self._progress, self._clock),
        )

    def _log_reader(self) -> LogReader | None:
        """Read the lab's database past its proxy, where the lab has one."""
        url = self._lab.urls().get("postgres")
        return LogReader(url, self._header.prefix, self._clock) if url else None

    async def _work(
        self, stage: _Stage, watch: ConvergenceWatch, background: asyncio.TaskGroup
    ) -> None:
        """Let the clients work through all phases; return when the last one has stopped."""
        stop = asyncio.Event()
        custody = stage.supervisor.custody
        nemesis = Nemesis(self._lab, stage.log, self._progress, self._clock, custody)
        phases = self._settings.scenario.phases
        stage.timeline.begin(phases[0].name)
        async with asyncio.TaskGroup() as clients:
            processes = client_processes(
                stage.clients,
                self._settings.workload,
                self._settings.seed,
                self._collections,
                self._clock,
            )
            for process in processes:
                clients.create_task(process.run(stop), name=process.client.process)
            if self._settings.load is not None:
                generator = LoadGenerator(self._lab, self._plan(self._settings.load), stage.log)
                await generator.start()
                clients.create_task(generator.follow(stop), name="locust")
            try:
                planned = 0
                for number, phase in enumerate(phases):
                    if number:
                        stage.timeline.begin(phase.name)
                    self._progress.phase(phase.name, phase.seconds)
                    await self._phase(phase, planned, nemesis, stop)
                    planned += len(phase.disruptions)
                    if phase.until_converged:
                        await watch.watch(last_healed(stage.log))
                        continue
                    if planned and planned == len(self._header.faults) and phase.disruptions:
                        background.create_task(watch.watch(last_healed(stage.log)), name="watch")
                if self._settings.load is not None:
                    await stop.wait()
            finally:
                stop.set()
        if stage.log.history.milestone(CLIENTS_STOPPED) is None:
            stage.log.append(Milestone(name=CLIENTS_STOPPED, at_ns=self._clock()))

    def _plan(self, load: LoadSettings) -> LoadPlan:
        directory = self._settings.directory.path / "locust"
        return LoadPlan(load, self._settings.workload, self._settings.seed, directory)

    async def _phase(
        self, phase: Phase, first_index: int, nemesis: Nemesis, stopped: asyncio.Event
    ) -> None:
        """Disrupt as planned; return when the phase's time is over and everything is healed.

        Time is over also when clients have stopped by themselves.
        """
        began_ns = self._clock()
        # One fault after another on one server: the next one waits until the last one has healed.
        turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

        def passed_seconds() -> float:
            return (self._clock() - began_ns) / 1e9

        async def until(seconds: float) -> None:
            await asyncio.sleep(max(0.0, seconds - passed_seconds()))

        async def disrupt(index: int, planned: Disruption) -> None:
            await until(planned.at_seconds)
            async with turns[planned.fault.target]:
                if planned.trigger is not None:
                    await Triggered(
                        planned.fault, planned.trigger, planned.offset_milliseconds, planned.seconds
                    ).disrupt(index, nemesis)
                    return
                ends_seconds = max(planned.at_seconds, passed_seconds()) + planned.seconds
                async with nemesis.disrupt(index, planned.fault):
                    await until(ends_seconds)

        async with asyncio.TaskGroup() as disruptions:
            for index, planned in enumerate(phase.disruptions, start=first_index):
                disruptions.create_task(disrupt(index, planned), name=planned.fault.name)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), max(0.0, phase.seconds - passed_seconds()))

    async def _sample(self, stage: _Stage, over: asyncio.Event) -> None:
        tally = Tally(stage.log.history)

        def tick() -> None:
            self._progress.tick(tally.look(self._clock()))

        await sample(self._lab, self._settings.directory.samples, self._clock, tick, over)


def last_healed(log: HistoryWriter) -> int:
    """Return the index of the fault window that was healed last."""
    windows = log.history.fault_windows.values()
    return max(windows, key=lambda window: window.heal_observed_ns).index

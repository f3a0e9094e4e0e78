"""The campaign: every mutant in its trial, then the unmodified load balancer in many runs.

Two runs at a time, each in a lab of its own; what is found is told as it comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.mutants.matrix import Fate, Finding, fate_of
from tests.mutants.registry import Mutant
from tests.mutants.trial_run import UNMODIFIED, TrialResult, mutant_command, run_trial
from tests.mutants.trials import TRIALS, Trial, trial_by_chance

MUTANT_REST_SECONDS = 8.0
"""Many mutants leave instances different for ever: nobody waits long for them to agree."""
CONTROL_REST_SECONDS = 20.0

T = TypeVar("T")


@dataclass(frozen=True)
class Campaign:
    """How to run: where files go, how many runs at a time, and how often a mutant is tried."""

    directory: Path
    say: Callable[[str], None]
    parallel: int = 2
    attempts: int = 3

    async def try_mutants(self, mutants: Iterable[Mutant]) -> list[Finding]:
        """Find out which checkers see each mutant."""
        return await self._side_by_side([partial(self._try, mutant) for mutant in mutants])

    async def try_unmodified(self, seeds: int) -> list[TrialResult]:
        """Run the real load balancer: through each trial, and with faults by chance."""
        trials = trials_of_the_unmodified(seeds)
        runs = [partial(self._control, each, seed) for seed, each in enumerate(trials, start=1)]
        return await self._side_by_side(runs)

    async def _try(self, mutant: Mutant) -> Finding:
        """Try a mutant again with another seed when chance may have spared it."""
        runs: list[TrialResult] = []
        for seed in range(1, self.attempts + 1):
            directory = self.directory / f"{mutant.name}-{seed}"
            command = mutant_command(mutant.name)
            trial = TRIALS[mutant.trial]
            run = await run_trial(trial, seed, directory, command, MUTANT_REST_SECONDS)
            runs.append(run)
            fate = fate_of(mutant, run)
            found = ", ".join(sorted(run.failed)) or run.error or "nothing"
            self.say(f"{mutant.name} in {run.trial}, {run.seconds:.0f} s: {fate}: {found}")
            if fate is Fate.CAUGHT:
                break
        return Finding(mutant, tuple(runs))

    async def _control(self, trial: Trial, seed: int) -> TrialResult:
        directory = self.directory / f"unmodified-{seed}-{trial.name}"
        run = await run_trial(trial, seed, directory, UNMODIFIED, CONTROL_REST_SECONDS)
        said = "all pass" if run.is_clean else run.error or f"{run.reasons}"
        self.say(f"unmodified in {run.trial}, seed {seed}, {run.seconds:.0f} s: {said}")
        return run

    async def _side_by_side(self, work: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        turns = asyncio.Semaphore(self.parallel)

        async def in_turn(do: Callable[[], Awaitable[T]]) -> T:
            async with turns:
                return await do()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(do)) for do in work]
        return [task.result() for task in tasks]


def trials_of_the_unmodified(seeds: int) -> list[Trial]:
    """Take turns between the trials of the mutants and faults by chance."""
    named = list(TRIALS.values())
    trials: list[Trial] = []
    for seed in range(1, seeds + 1):
        is_named = seed % 2 == 1 and seed // 2 < len(named)
        trials.append(named[seed // 2] if is_named else trial_by_chance(seed))
    return trials

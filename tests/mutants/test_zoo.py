"""The zoo itself: every mutant says what it breaks and who sees it, and hits something that is."""

import re
from pathlib import Path

import pytest

from harness.checkers import counts
from harness.checkers.judge import _ALWAYS
from tests.mutants.matrix import Fate, Finding, fate_of, matrix_lines
from tests.mutants.patches import EveryNth, PatchError, Patches, times_misbehaved
from tests.mutants.promises import Promise
from tests.mutants.registry import Mutant
from tests.mutants.trial_run import TrialResult
from tests.mutants.trials import BASELINE_SECONDS, RECOVERY_SECONDS, TRIALS
from tests.mutants.zoo import ZOO

LONGEST_TRIAL_SECONDS = 17.0
PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"


class Thing:
    def ask(self, question: str) -> str:
        return question


def run(misbehaved: int = 1, error: str = "", **outcomes: str) -> TrialResult:
    return TrialResult(
        "quiet", 1, Path("run"), 1.0, outcomes=outcomes, misbehaved=misbehaved, error=error
    )


def lossy() -> Mutant:
    return Mutant(
        "lossy",
        "writes",
        "A write is lost.",
        Promise.DURABLE_WRITES,
        "quiet",
        frozenset({"durability"}),
        lambda _: None,
    )


@pytest.mark.parametrize("mutant", ZOO.values(), ids=ZOO.keys())
def test_a_mutant_replaces_something_of_the_lb_and_can_be_taken_back(mutant: Mutant) -> None:
    patches = Patches()
    try:
        mutant.install(patches)
        assert len(patches) > 0
    finally:
        patches.undo()


@pytest.mark.parametrize("mutant", ZOO.values(), ids=ZOO.keys())
def test_a_mutant_names_its_fault_its_checkers_and_a_trial(mutant: Mutant) -> None:
    assert mutant.fault.endswith(".")
    assert isinstance(mutant.breaks, Promise)
    assert mutant.caught_by
    assert mutant.caught_by <= {*_ALWAYS, counts.NAME}
    assert mutant.trial in TRIALS


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS.keys())
def test_a_trial_is_short_and_can_be_made(trial) -> None:
    phases = trial.scenario(seed=1).phases
    seconds = sum(phase.seconds for phase in phases)
    assert seconds == BASELINE_SECONDS + trial.seconds + RECOVERY_SECONDS
    assert seconds <= LONGEST_TRIAL_SECONDS


def test_the_page_lists_exactly_the_mutants_of_the_zoo() -> None:
    row = r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$"
    said = {name: rest for name, *rest in re.findall(row, PAGE.read_text(), re.MULTILINE)}
    assert said == {mutant.name: in_words(mutant) for mutant in ZOO.values()}


def in_words(mutant: Mutant) -> list[str]:
    checkers = ", ".join(f"`{checker}`" for checker in sorted(mutant.caught_by))
    return [mutant.fault, mutant.breaks.value, checkers, mutant.trial]


def test_the_tests_try_few_mutants_and_no_two_of_a_family() -> None:
    sampled = [mutant.family for mutant in ZOO.values() if mutant.is_sample]
    assert 4 <= len(sampled) == len(set(sampled)) <= 7


def test_a_patch_of_what_is_gone_is_refused() -> None:
    with pytest.raises(PatchError, match="answer is not there"):
        Patches().replace(Thing, "answer", lambda self, question: "")


def test_a_patch_that_takes_other_arguments_is_refused() -> None:
    with pytest.raises(PatchError, match="takes"):
        Patches().replace(Thing, "ask", lambda self, question, politely: "")


def test_a_patch_by_the_same_thing_is_refused() -> None:
    with pytest.raises(PatchError, match="by itself"):
        Patches().replace(Thing, "ask", vars(Thing)["ask"])


def test_a_patch_works_until_it_is_undone() -> None:
    patches = Patches()
    patches.replace(Thing, "ask", lambda self, question: "no")
    assert Thing().ask("yes") == "no"
    patches.undo()
    assert Thing().ask("yes") == "yes"


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(PatchError, match="NO_SUCH_THING"):
        Patches().set_variable("NO_SUCH_THING", "1", {"host": None})


def test_every_nth_is_true_each_nth_time() -> None:
    due = EveryNth(3)
    assert [due() for _ in range(7)] == [False, False, True, False, False, True, False]


def test_wrongdoing_is_counted_in_the_log_of_the_load_balancer(tmp_path: Path) -> None:
    log = tmp_path / "lb.log"
    assert times_misbehaved(log) == 0
    log.write_text("listening\nMUTANT MISBEHAVED: once\nMUTANT MISBEHAVED: twice\n")
    assert times_misbehaved(log) == 2


@pytest.mark.parametrize(
    ("result", "fate"),
    [
        (run(durability="fail", phantom="pass"), Fate.CAUGHT),
        (run(durability="pass", phantom="fail"), Fate.MISNAMED),
        (run(durability="pass", phantom="pass"), Fate.SURVIVED),
        (run(durability="unknown", phantom="pass"), Fate.SURVIVED),
        (run(misbehaved=0, durability="pass"), Fate.IDLE),
        (run(misbehaved=0, durability="fail"), Fate.IDLE),
        (run(error="no lab"), Fate.NOT_RUN),
    ],
)
def test_only_a_mutant_that_its_checkers_saw_do_wrong_is_caught(
    result: TrialResult, fate: Fate
) -> None:
    assert fate_of(lossy(), result) is fate


def test_the_matrix_tells_named_found_and_missed_apart() -> None:
    caught = Finding(lossy(), (run(durability="fail", phantom="fail", recall="unknown"),))
    missed = Finding(lossy(), (run(durability="pass", phantom="pass", recall="pass"),))
    *_, one, other = matrix_lines([caught, missed])
    assert one.split() == ["lossy", "X", "x", "?", "1"]
    assert other.split() == ["lossy", "!", ".", ".", "1", "survived"]


def test_a_run_with_anything_but_passes_is_not_clean() -> None:
    assert run(durability="pass").is_clean
    assert not run(durability="pass", phantom="unknown").is_clean
    assert not run(durability="pass", error="no lab").is_clean

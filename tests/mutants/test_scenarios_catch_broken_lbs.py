"""Every checker can fail: a load balancer with one fault is caught by the scenario itself."""

import os
import shlex
import subprocess
import sys
import uuid
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from harness.model.document import file_of
from harness.model.operation import Invocation, Kind
from harness.workloads.cms import CmsGenerator, CmsSettings
from tests.marked_processes import processes_marked

pytestmark = pytest.mark.real

SEED = 1
BROKEN_LB = Path(__file__).with_name("broken_lb.py")
# A client comes to 40 invocations in the ten seconds of the scenario.
WELL_WITHIN_THE_RUN, FAR_BEYOND_THE_RUN = 32, 60
# What the final reads show, a client may have read before.
OF_READS = {"linearizability", "read-your-writes", "monotonic-reads"}
MARK = "CHROMA_CHAOS_BROKEN_LB_TEST"


def surviving_write() -> str:
    """Name a write early in the run whose file is not touched again before its end."""
    count = CmsSettings().collections
    collections = [f"AUTOTEST_{SEED}_files_{n}" for n in range(1, count + 1)]
    for client in range(1, CmsSettings().clients + 1):
        generator = CmsGenerator(f"client-{client}", SEED, collections)
        invocations = list(islice(generator, FAR_BEYOND_THE_RUN))
        for n, invocation in enumerate(invocations[:WELL_WITHIN_THE_RUN]):
            later = {touched_file(other) for other in invocations[n + 1 :]}
            if invocation.kind is Kind.ADD and touched_file(invocation) not in later:
                return invocation.tokens[0]
    raise AssertionError(f"seed {SEED} rewrites every file: choose another")


def touched_file(invocation: Invocation) -> str:
    if not invocation.kind.is_write:
        return ""
    return invocation.file or file_of(invocation.ids[0])


def run_scenario(fault: str, directory: Path, mark: str) -> subprocess.CompletedProcess[str]:
    command = shlex.join([sys.executable, str(BROKEN_LB), fault, surviving_write()])
    arguments = ["run", "normal", "--seed", str(SEED), "--run-directory", str(directory)]
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments, "--lb-command", command],
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("fault", "caught_by"),
    [
        ("drop_write", {"durability"}),
        ("keep_document", {"resurrection"}),
        ("write_to_one", {"durability", "convergence"}),
        ("write_phantom", {"phantom", "convergence"}),
        ("read_nothing", {"linearizability", "read-your-writes"}),
        ("refuse_some", {"availability"}),
        ("count_wrongly", {"status-figures"}),
    ],
)
def test_a_broken_lb_is_caught_by_the_checkers_that_name_its_fault(
    tmp_path: Path, fault: str, caught_by: set[str]
) -> None:
    mark = uuid.uuid4().hex
    run = run_scenario(fault, tmp_path / "run", mark)
    assert run.returncode == 1, run.stdout + run.stderr
    verdicts = msgspec.json.decode((tmp_path / "run" / "verdict.json").read_bytes())["verdicts"]
    failed = {verdict["checker"] for verdict in verdicts if verdict["outcome"] == "fail"}
    # A slow machine may widen a gap; of contents, nothing but the fault may be found.
    also = {"availability"} if caught_by == {"availability"} else {"availability", *OF_READS}
    assert failed | also == caught_by | also
    assert caught_by <= failed
    assert processes_marked(MARK, mark) == []

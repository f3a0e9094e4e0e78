import os
import subprocess
import sys

import pytest

from harness.labs.process_tree import ProcessIdentity, kill_tree, process_tree, runs

PARENT = (
    "import subprocess, sys; "
    "child = subprocess.Popen(['sleep', '60'], start_new_session=True); "
    "print(child.pid, flush=True); child.wait()"
)


@pytest.fixture
def parent():
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        process.stdout.readline()
        identity = ProcessIdentity.of(process.pid)
        yield process
        kill_tree(identity)


def test_a_tree_has_children_that_lead_sessions_of_their_own(parent) -> None:
    tree = process_tree(ProcessIdentity.of(parent.pid))
    assert [process.name() for process in tree[1:]] == ["sleep"]


def test_killing_a_tree_kills_every_member(parent) -> None:
    tree = kill_tree(ProcessIdentity.of(parent.pid))
    assert len(tree) == 2
    assert parent.wait(5) == -9
    tree[1].wait(5)
    assert not any(runs(process) for process in tree)


def test_a_reused_process_id_is_left_alone(parent) -> None:
    ours = ProcessIdentity.of(parent.pid)
    of_before = ProcessIdentity(ours.pid, ours.started - 60)
    assert of_before.find() is None
    assert kill_tree(of_before) == []
    assert parent.poll() is None


def test_a_process_that_waits_to_be_reaped_does_not_run() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    identity = ProcessIdentity.of(process.pid)
    assert identity.find() is not None
    assert process_tree(identity) == []
    process.wait()
    assert identity.find() is None

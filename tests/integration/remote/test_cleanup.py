"""`chroma-chaos cleanup` shows what it would remove, and removes no more than that."""

from collections.abc import Iterator

import pytest

from tests.integration.labs.waiting import wait_until
from tests.integration.lb.calls import COLLECTIONS
from tests.integration.remote.conftest import Deployed, chroma_chaos

pytestmark = pytest.mark.real

OURS = ("AUTOTEST_7_files_1", "DEBUG_it", "test_one")
THEIRS = ("customers", "my_test_data", "test_precious")


@pytest.fixture
def made(deployed: Deployed) -> Iterator[list[list[dict[str, object]]]]:
    """What others have, beside what tests left behind; all of it is gone afterwards."""
    for name in (*OURS, *THEIRS):
        deployed.make(name)
    yield [deployed.held(name) for name in THEIRS]
    with deployed.lb() as lb:
        for name in (*OURS, *THEIRS):
            lb.delete(f"{COLLECTIONS}/{name}")


def gone(deployed: Deployed, names: tuple[str, ...]) -> None:
    left = {"global", *OURS, *THEIRS} - set(names)
    wait_until(lambda: deployed.names() == [left] * 3, 10.0, deployed.names)


def cleanup(deployed: Deployed, *words: str) -> tuple[int, list[str]]:
    done = chroma_chaos("cleanup", "--lb-url", deployed.lb_url, *words)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_the_dry_run_is_the_default_and_apply_removes_exactly_what_it_showed(
    deployed: Deployed, made: list[list[dict[str, object]]]
) -> None:
    code, shown = cleanup(deployed, "--protect", "test_precious")
    assert code == 0
    assert shown == [
        *(f"would remove {name}" for name in OURS),
        "3 collections; nothing was removed (say --apply)",
    ]
    gone(deployed, ())
    code, said = cleanup(deployed, "--protect", "test_precious", "--apply")
    assert code == 0
    assert said == [*(f"removed {name}" for name in OURS), "3 of 3 collections were removed"]
    gone(deployed, OURS)
    assert [deployed.held(name) for name in THEIRS] == made


def test_a_prefix_narrows_it_and_global_is_protected_whatever_the_prefix(
    deployed: Deployed, made: list[list[dict[str, object]]]
) -> None:
    prefixes = ("--prefix", "g", "--prefix", "DEBUG_")
    code, said = cleanup(deployed, *prefixes, "--apply")
    assert (code, said[0]) == (0, "removed DEBUG_it")
    gone(deployed, ("DEBUG_it",))

import asyncio
import os
import sys
from collections.abc import Iterator
from itertools import product

import pytest

from lb.errors import ConfigurationError, InstanceUnreachableError
from lb.failpoints import CRASH_STATUS, POINTS, Do, Failpoint, arm, parse_failpoints, reach
from lb.model import Kind
from tests.unit.lb.stand_ins import an_entry

NAMES = frozenset({"primary", "replica"})
ENTRY = an_entry(1, Kind.ADD)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm([])


def armed(text: str) -> list[Failpoint]:
    failpoints = parse_failpoints(text, NAMES)
    arm(failpoints)
    return failpoints


async def breaks(point: str, instance: str = "", entry: object = ENTRY) -> bool:
    try:
        await reach(point, entry, instance=instance)
    except (ConnectionResetError, InstanceUnreachableError):
        return True
    return False


def test_a_list_of_failpoints_is_read() -> None:
    text = "after-append=crash@2; before-send:primary=delay(0.5);before-ack[kind=delete]=hang;"

    assert parse_failpoints(text, NAMES) == [
        Failpoint("after-append", Do.CRASH, nth=2),
        Failpoint("before-send", Do.DELAY, instance="primary", delay_seconds=0.5),
        Failpoint("before-ack", Do.HANG, kind=Kind.DELETE),
    ]
    assert parse_failpoints("", NAMES) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("after-append", "must look like"),
        ("after-append=explode", "must look like"),
        ("after-append=crash@0", "must look like"),
        ("after-lunch=crash", "the points are before-append, "),
        ("after-append:primary=crash", "never reached for primary"),
        ("before-send:tertiary=crash", "never reached for tertiary"),
        ("before-ack=fail", "no connection is in use"),
        ("after-cursor:primary=fail", "no connection is in use"),
        ("before-send=delay", "has seconds"),
        ("before-send=hang(3)", "has seconds"),
        ("before-send[kind=truncate]=crash", "the kinds are create, "),
    ],
)
def test_a_wrong_failpoint_is_named_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^FAILPOINTS: ") as caught:
        parse_failpoints(f"before-ack=crash;{text}", NAMES)

    assert f"FAILPOINTS: {text}: " in str(caught.value)
    assert why in str(caught.value)


async def test_nothing_happens_where_nothing_is_armed() -> None:
    armed("before-send:primary=fail")

    assert not await breaks("after-send", "primary")
    assert not await breaks("before-send", "replica")
    arm([])
    assert not await breaks("before-send", "primary")


async def test_a_failure_is_that_of_the_connection_in_use() -> None:
    armed("before-send=fail;before-commit=fail")

    with pytest.raises(InstanceUnreachableError) as caught:
        await reach("before-send", ENTRY, instance="replica")
    assert caught.value.instance == "replica"
    with pytest.raises(ConnectionResetError):
        await reach("before-commit", ENTRY)
    armed("before-cursor=fail")
    with pytest.raises(ConnectionResetError):
        await reach("before-cursor", ENTRY, instance="replica")


async def test_it_acts_only_at_the_given_time_of_being_reached() -> None:
    armed("after-append=fail@2")

    assert [await breaks("after-append") for _ in range(3)] == [False, True, False]


async def test_each_entry_of_a_window_counts() -> None:
    (failpoint,) = armed("after-append=fail@3")

    with pytest.raises(ConnectionResetError):
        await reach("after-append", *(an_entry(position) for position in range(5)))
    assert failpoint.reached == 3


async def test_it_acts_only_for_the_kind_or_transaction_that_it_names() -> None:
    armed("after-append[kind=drop]=fail;before-commit[transaction=t2]=fail")

    entries = [an_entry(1, Kind.ADD), an_entry(2, Kind.DROP)]
    seen = [
        await breaks(point, entry=entry)
        for point, entry in product(("after-append", "before-commit"), entries)
    ]
    assert seen == [False, True, False, True]


async def test_a_delay_ends_and_a_hang_does_not() -> None:
    armed("before-ack=delay(0.001);before-send=hang")

    await asyncio.wait_for(reach("before-ack", ENTRY), 20)
    hanging = asyncio.create_task(reach("before-send", ENTRY, instance="primary"))
    await reach("before-ack", ENTRY)
    assert not hanging.done()
    hanging.cancel()


async def test_a_crash_ends_the_process_without_cleanup() -> None:
    script = (
        "import asyncio\n"
        "from lb.failpoints import arm, parse_failpoints, reach\n"
        "from tests.unit.lb.stand_ins import an_entry\n"
        "arm(parse_failpoints('before-ack=crash', frozenset()))\n"
        "try:\n    asyncio.run(reach('before-ack', an_entry(1)))\n"
        "finally:\n    print('cleanup')\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    out, _ = await process.communicate()

    assert (process.returncode, out) == (CRASH_STATUS, b"")


def test_every_point_can_be_armed() -> None:
    text = ";".join(f"{name}=crash" for name in POINTS)

    assert [failpoint.point for failpoint in parse_failpoints(text, NAMES)] == list(POINTS)

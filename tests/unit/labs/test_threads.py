import asyncio
import threading

import pytest

from harness.labs.containers.threads import to_the_end


async def test_a_call_gives_what_it_returned() -> None:
    assert await to_the_end(divmod, 7, 2) == (3, 1)


async def test_who_is_cancelled_goes_on_only_when_the_call_has_ended() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def make() -> None:
        begun.set()
        may_end.wait(10)
        ended.set()

    task = asyncio.create_task(to_the_end(make))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()

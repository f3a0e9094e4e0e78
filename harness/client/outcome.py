"""Owns what an answer, or the lack of one, says about an operation. Sends nothing.

    what the client saw                                        completion
    ---------------------------------------------------------  ------------------------------
    2xx                                                        ok: it happened
    3xx, 4xx                                                   fail: it did certainly not happen
    no connection: refused, or not made within the time-out    fail: nothing was sent
    5xx (502, 503 and 504 of a proxy among them)               info: it may have happened
    sent, and then a time-out, a reset or a broken answer      info: it may have happened
    the client was cancelled                                   info: it may have happened

A proxy that answers 503 may still hold the write in a log, and an instance that answers 500 may
have stored it. What is in doubt stays so for ever: it may happen at any later time.
"""

import httpx

from harness.model.operation import Completion

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def of_status(status: int) -> Completion:
    """Classify an answer by its HTTP status."""
    if 200 <= status < 300:
        return Completion.OK
    return Completion.INFO if status >= 500 else Completion.FAIL


def of_error(error: httpx.HTTPError) -> Completion:
    """Classify a request that got no whole answer."""
    return Completion.FAIL if isinstance(error, _NEVER_SENT) else Completion.INFO

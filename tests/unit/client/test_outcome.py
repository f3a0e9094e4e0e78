import httpx
import pytest

from harness.client.outcome import of_error, of_status
from harness.model.operation import Completion

OK, FAIL, INFO = Completion


@pytest.mark.parametrize(
    ("status", "completion"),
    [
        (200, OK),
        (201, OK),
        (307, FAIL),
        (400, FAIL),
        (404, FAIL),
        (409, FAIL),
        (429, FAIL),
        (500, INFO),
        (502, INFO),
        (503, INFO),
        (504, INFO),
    ],
)
def test_a_status_says_what_is_known(status: int, completion: Completion) -> None:
    assert of_status(status) is completion


@pytest.mark.parametrize(
    ("error", "completion"),
    [
        (httpx.ConnectError, FAIL),
        (httpx.ConnectTimeout, FAIL),
        (httpx.PoolTimeout, FAIL),
        (httpx.ReadTimeout, INFO),
        (httpx.WriteTimeout, INFO),
        (httpx.ReadError, INFO),
        (httpx.WriteError, INFO),
        (httpx.RemoteProtocolError, INFO),
    ],
)
def test_an_error_is_definite_only_when_nothing_was_sent(
    error: type[httpx.TransportError], completion: Completion
) -> None:
    assert of_error(error("x")) is completion

import inspect
from collections.abc import Iterator

import msgspec
import pytest

from lb import errors
from lb.errors import HTTP_STATUS, RequestError
from lb.proxy import RETRY_AFTER_SECONDS, respond_error


def _descendants(base: type[RequestError]) -> Iterator[type[RequestError]]:
    for child in base.__subclasses__():
        yield child
        yield from _descendants(child)


REQUEST_ERRORS = sorted(_descendants(RequestError), key=lambda error: error.__name__)


def test_every_error_that_a_client_can_meet_has_a_status_and_a_home() -> None:
    assert set(REQUEST_ERRORS) == set(HTTP_STATUS)
    assert {inspect.getmodule(error) for error in REQUEST_ERRORS} == {errors}


@pytest.mark.parametrize("error", REQUEST_ERRORS)
def test_an_error_is_answered_in_the_form_of_chroma(error: type[RequestError]) -> None:
    response = respond_error(error("what happened"), {"Transaction-ID": "t1"})

    assert response.status == HTTP_STATUS[error]
    assert response.content_type == "application/json"
    assert response.headers["Transaction-ID"] == "t1"
    assert msgspec.json.decode(response.body) == {
        "error": error.code,
        "message": "what happened",
    }


@pytest.mark.parametrize("error", REQUEST_ERRORS)
def test_exactly_the_503s_tell_when_to_try_again(error: type[RequestError]) -> None:
    response = respond_error(error("what happened"))

    expected = str(RETRY_AFTER_SECONDS) if response.status == 503 else None
    assert response.headers.get("Retry-After") == expected


@pytest.mark.parametrize("error", REQUEST_ERRORS)
def test_every_error_has_a_code_of_its_own_choice(error: type[RequestError]) -> None:
    assert error.code != RequestError.code


def test_the_headers_of_the_caller_are_not_changed() -> None:
    headers: dict[str, str] = {}

    respond_error(errors.NoInstanceError("none"), headers)

    assert headers == {}

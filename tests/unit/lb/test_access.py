from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from multidict import CIMultiDict

from lb.access import Access, Area, basic_password, bearer_token, is_local, same
from lb.errors import ForbiddenError, UnauthorizedError

# Basic credentials of anybody, whose password is the token for clients, or the one for admins.
CLIENT_PASSWORD = "Basic " + b64encode(b"anybody:for-clients").decode()
ADMIN_PASSWORD = "Basic " + b64encode(b":for-admins").decode()
ADMIN, CLIENT = "Bearer for-admins", "Bearer for-clients"
OPEN = Access()
ADMIN_ONLY = Access(admin_token="for-admins")
CLIENT_ONLY = Access(client_token="for-clients")
BOTH = Access("for-admins", "for-clients")


@dataclass
class StandInRequest:
    """In place of a request: its headers and its peer."""

    remote: str | None = "127.0.0.1"
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)


@pytest.mark.parametrize(
    ("access", "area", "authorization", "local"),
    [
        (BOTH, Area.OPEN, "", False),
        (OPEN, Area.CLIENT, "", False),
        (ADMIN_ONLY, Area.CLIENT, "", False),
        (BOTH, Area.CLIENT, CLIENT, False),
        (BOTH, Area.CLIENT, ADMIN, False),
        (BOTH, Area.ADMIN, ADMIN, False),
        (OPEN, Area.PAGE, "", False),
        (BOTH, Area.PAGE, CLIENT, False),
        (BOTH, Area.PAGE, CLIENT_PASSWORD, False),
        (BOTH, Area.PAGE, ADMIN_PASSWORD, False),
        (ADMIN_ONLY, Area.ADMIN, "bearer for-admins", False),
        (OPEN, Area.ADMIN, "", True),
        (CLIENT_ONLY, Area.ADMIN, "", True),
    ],
)
def test_who_may(access: Access, area: Area, authorization: str, local: bool) -> None:
    access.check(area, authorization, local)


@pytest.mark.parametrize(
    ("access", "area", "authorization", "local", "error"),
    [
        (BOTH, Area.CLIENT, "", True, UnauthorizedError),
        (BOTH, Area.CLIENT, "Bearer wrong", True, UnauthorizedError),
        (BOTH, Area.ADMIN, "", True, UnauthorizedError),
        (BOTH, Area.ADMIN, "Bearer wrong", True, UnauthorizedError),
        (BOTH, Area.ADMIN, "Basic for-admins", True, UnauthorizedError),
        (BOTH, Area.ADMIN, "for-admins", True, UnauthorizedError),
        (BOTH, Area.ADMIN, ADMIN_PASSWORD, True, UnauthorizedError),
        (BOTH, Area.CLIENT, CLIENT_PASSWORD, True, UnauthorizedError),
        (BOTH, Area.PAGE, "", True, UnauthorizedError),
        (BOTH, Area.PAGE, "Basic " + b64encode(b"for-clients:").decode(), True, UnauthorizedError),
        (BOTH, Area.ADMIN, CLIENT, True, ForbiddenError),
        (OPEN, Area.ADMIN, "", False, ForbiddenError),
        (OPEN, Area.ADMIN, "Bearer ", False, ForbiddenError),
        (CLIENT_ONLY, Area.ADMIN, CLIENT, False, ForbiddenError),
    ],
)
def test_who_may_not(
    access: Access, area: Area, authorization: str, local: bool, error: type[Exception]
) -> None:
    with pytest.raises(error):
        access.check(area, authorization, local)


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
        (None, False),
        ("unix", False),
    ],
)
def test_only_a_loopback_peer_is_local(remote: str | None, local: bool) -> None:
    assert is_local(StandInRequest(remote)) is local


@pytest.mark.parametrize("header", ["forwarded", "X-Forwarded-For", "x-real-ip"])
def test_a_peer_that_speaks_for_somebody_else_is_not_local(header: str) -> None:
    assert not is_local(StandInRequest(headers=CIMultiDict({header: "127.0.0.1"})))


def test_a_token_that_is_not_set_equals_nothing() -> None:
    assert not same("", "")
    assert not same("anything", "")
    assert same("a", "a")
    assert not same("\udcff", "a")


def test_a_token_is_read_only_from_the_bearer_scheme() -> None:
    assert bearer_token("Bearer  abc ") == "abc"
    assert bearer_token("Basic abc") == bearer_token("Bearer") == bearer_token("") == ""


@pytest.mark.parametrize(
    "authorization", ["", "Basic", "Basic !", "Basic YQ", "Basic YWI=", "Basic //8=", CLIENT]
)
def test_what_is_no_password_is_none(authorization: str) -> None:
    assert basic_password(authorization) == ""


def test_a_password_may_have_a_colon_and_the_scheme_any_case() -> None:
    assert basic_password("bAsIc " + b64encode(b"a:b:c").decode()) == "b:c"


@pytest.mark.parametrize("show", [repr, str])
def test_tokens_are_never_shown(show: Callable[[object], str]) -> None:
    assert "for-" not in show(BOTH)

from dataclasses import dataclass, field

import pytest
from multidict import CIMultiDict

from lb.errors import BadRequestError
from lb.proxy import client_session, transaction_id


@dataclass
class StandInRequest:
    """In place of a request: its headers, as aiohttp decodes them, and where it came from."""

    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    remote: str | None = "127.0.0.1"


def with_header(name: str, value: str) -> StandInRequest:
    return StandInRequest(CIMultiDict({name: value}))


@pytest.mark.parametrize("value", ["a", "x" * 200, "!~", "6f1c-9"])
def test_a_plain_word_is_a_transaction_id(value: str) -> None:
    assert transaction_id(with_header("transaction-id", value)) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "x" * 201, "ü", "\udcff", "a\tb"])
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(BadRequestError, match="Transaction-ID"):
        transaction_id(with_header("Transaction-ID", value))


def test_a_transaction_id_may_be_left_out() -> None:
    assert transaction_id(StandInRequest()) is None


def test_a_session_is_the_word_of_the_client_or_its_address() -> None:
    assert client_session(with_header("Client-Session", "editor 7")) == "editor 7"
    assert client_session(with_header("Client-Session", "")) == "127.0.0.1"
    assert client_session(StandInRequest()) == "127.0.0.1"
    assert client_session(StandInRequest(remote=None)) == ""
    assert len(client_session(with_header("Client-Session", "x" * 1000))) == 200


def test_a_session_that_is_not_text_can_still_be_logged() -> None:
    """aiohttp decodes the byte 0xff to a lone surrogate, which PostgreSQL cannot hold."""
    session = client_session(with_header("Client-Session", "editor\udcff"))

    assert session.encode().startswith(b"editor")

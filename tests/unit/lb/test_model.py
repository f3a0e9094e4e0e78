import pytest

from lb.model import Answer


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422])
def test_2xx_and_4xx_prove_what_happened(status: int) -> None:
    assert Answer(status, b"").is_definite


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599])
def test_a_5xx_proves_nothing(status: int) -> None:
    assert not Answer(status, b"").is_definite


@pytest.mark.parametrize("status", [408, 425, 429])
def test_a_4xx_about_the_state_of_the_server_proves_nothing(status: int) -> None:
    assert not Answer(status, b"").is_definite


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_proves_nothing(status: int) -> None:
    """Invariant 8: only 2xx and 4xx are definite; a proxy's redirect is no refusal by Chroma."""
    assert not Answer(status, b"").is_definite


@pytest.mark.parametrize(
    ("status", "took_effect"), [(199, False), (200, True), (299, True), (300, False), (400, False)]
)
def test_only_2xx_took_effect(status: int, took_effect: bool) -> None:
    assert Answer(status, b"").is_success is took_effect

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


SPARSE = b'{"error":"ChromaError","message":"Unimplemented: Sparse vector is not supported"}'


def test_the_one_501_that_refuses_a_write_for_good_is_definite() -> None:
    """Tried for ever, it would hold up its lane for ever."""
    assert Answer(501, SPARSE).is_definite
    assert not Answer(503, SPARSE).is_definite


@pytest.mark.parametrize(
    ("answer", "has_effect"),
    [
        (Answer(201, b"{}"), True),
        (Answer(400, b'{"error":"E","message":"Empty ID, ID must have at least one"}'), True),
        (Answer(400, b'{"error":"E","message":"Inconsistent number of IDs, embeddings"}'), True),
        (Answer(501, SPARSE), True),
        (Answer(400, b'{"error":"E","message":"Inconsistent dimensions in provided"}'), False),
        (Answer(404, b'{"error":"E","message":"Empty ID, ID must have at least one"}'), False),
        (Answer(501, b'{"error":"E","message":"Unimplemented"}'), False),
    ],
)
def test_a_refusal_that_leaves_a_dimension_behind_has_an_effect(
    answer: Answer, has_effect: bool
) -> None:
    assert answer.has_effect is has_effect

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.model.document import document_of, embedding_digest, file_of, id_of, make_token

TOKEN = make_token("client-1-file-2", 7, "client-1.9")


def test_a_token_says_which_write_of_which_document_it_is() -> None:
    assert id_of(TOKEN) == "client-1-file-2/7"
    assert file_of(id_of(TOKEN)) == "client-1-file-2"


def test_the_same_token_and_seed_make_the_same_content() -> None:
    first, second = document_of(TOKEN, 1, 8), document_of(TOKEN, 1, 8)
    assert (first.text, first.metadata) == (second.text, second.metadata)
    assert np.array_equal(first.embedding, second.embedding)
    assert first.embedding.shape == (8,)
    assert first.embedding.dtype == np.float32


@given(st.integers(0, 99), st.integers(0, 99))
def test_another_write_or_seed_makes_another_embedding(chunk: int, seed: int) -> None:
    made = {
        embedding_digest(document_of(make_token("f", chunk, write), s, 4).embedding)
        for write in ("a", "b")
        for s in (seed, seed + 1)
    }
    assert len(made) == 4


def test_the_smallest_change_of_a_value_changes_the_digest() -> None:
    embedding = document_of(TOKEN, 1, 8).embedding
    changed = embedding.copy()
    changed[3] = np.nextafter(changed[3], np.float32(9))
    assert embedding_digest(embedding) != embedding_digest(changed)

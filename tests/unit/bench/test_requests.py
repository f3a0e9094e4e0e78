"""The bytes that are sent."""

import json
from itertools import islice

from bench import requests


def body_of(request):
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def test_an_add_has_an_embedding_of_384_floats_a_text_and_metadata():
    (request,) = islice(requests.adds(("c",), "p", 1, requests.vectors(seed=1)), 1)
    body = body_of(request)
    assert body["ids"] == ["p-0"]
    assert [len(vector) for vector in body["embeddings"]] == [384]
    assert body["documents"][0].startswith("p-0: ")
    assert body["metadatas"][0]["page"] == 0


def test_no_id_is_added_twice():
    made = islice(requests.adds(("c",), "p", 3, requests.vectors(seed=1)), 20)
    ids = [name for request in made for name in body_of(request)["ids"]]
    assert len(ids) == len(set(ids)) == 60


def test_collections_take_turns():
    made = islice(requests.adds(("c", "d"), "p", 1, requests.vectors(seed=1)), 4)
    paths = [request.split(b" ")[1].rsplit(b"/", 2)[1] for request in made]
    assert paths == [b"c", b"d", b"c", b"d"]


def test_the_same_seed_gives_the_same_embeddings():
    assert requests.vectors(seed=1) == requests.vectors(seed=1)
    assert requests.vectors(seed=1) != requests.vectors(seed=2)


def test_searches_ask_for_ten_documents_and_never_end():
    made = list(islice(requests.queries(("c",), requests.vectors(seed=1)), 200))
    assert {body_of(request)["n_results"] for request in made} == {10}


def test_an_add_that_may_be_sent_again_has_a_transaction_id_of_its_own():
    vectors = requests.vectors(seed=1)
    made = list(islice(requests.adds(("c",), "p", 1, vectors, are_named=True), 3))
    names = {request.split(b"Transaction-ID: ")[1].split(b"\r\n")[0] for request in made}
    assert len(names) == 3
    (plain,) = islice(requests.adds(("c",), "p", 1, vectors), 1)
    assert b"Transaction-ID" not in plain

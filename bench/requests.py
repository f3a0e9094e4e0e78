"""The requests that are sent: whole HTTP/1.1 messages as bytes, made from a seed. Sends nothing."""

import random
import secrets
from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

# Not taken from the harness: its modules load numpy, which every start of the generator would pay.
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"

DIMENSION = 384
"""How many floats an embedding has: what the small sentence models give."""

LARGE_DIMENSION = 3_072
"""What the large models of hosted services give."""

RESULTS_PER_QUERY = 10
_VECTORS = 64
_TEXT = (
    "The replica was away for a while, and what was written meanwhile waits in the log; it is sent "
    "in the order in which it was accepted, so that a newer text is never replaced by an older one."
)


def vectors(seed: int, dimension: int = DIMENSION) -> list[bytes]:
    """Make a few embeddings as JSON arrays; documents take them in turn."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    return [
        msgspec.json.encode([chance.uniform(-1.0, 1.0) for _ in range(dimension)])
        for _ in range(_VECTORS)
    ]


def framed(method: str, path: str, body: bytes, transaction: str | None = None) -> bytes:
    """Make a whole request, by a transaction id that it keeps when it is sent again."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    if transaction is not None:
        head += f"Transaction-ID: {transaction}\r\n"
    return head.encode() + b"\r\n" + body


def add_body(numbers: Sequence[int], prefix: str, embeddings: Sequence[bytes]) -> bytes:
    """Make the body of an add: for each number an id, an embedding, a text and metadata."""
    ids = [f"{prefix}-{number}" for number in numbers]
    columns = {
        "ids": ids,
        "embeddings": [msgspec.Raw(embeddings[number % len(embeddings)]) for number in numbers],
        "documents": [f"{name}: {_TEXT}" for name in ids],
        "metadatas": [{"source": f"file-{n % 7}.md", "page": n, "kept": True} for n in numbers],
    }
    return msgspec.json.encode(columns)


def adds(
    collections: Sequence[str],
    prefix: str,
    documents: int,
    embeddings: Sequence[bytes],
    *,
    are_named: bool = False,
) -> Iterator[bytes]:
    """Yield adds of new documents without end, to the collections (by id) in turn.

    With `are_named` each has a transaction id, so that it may be sent again.
    """
    run = f"{prefix}-{secrets.token_hex(6)}"
    for number in count():
        collection = collections[number % len(collections)]
        numbers = range(number * documents, (number + 1) * documents)
        body = add_body(numbers, prefix, embeddings)
        transaction = f"{run}-{number}" if are_named else None
        yield framed("POST", f"{COLLECTIONS}/{collection}/add", body, transaction)


def queries(collections: Sequence[str], embeddings: Sequence[bytes]) -> Iterator[bytes]:
    """Yield searches without end."""
    made = [
        framed("POST", f"{COLLECTIONS}/{collection}/query", query_body(embedding))
        for collection in collections
        for embedding in embeddings
    ]
    while True:
        yield from made


def query_body(embedding: bytes) -> bytes:
    """Make the body of a search for the ten documents that are nearest."""
    fields = {"query_embeddings": [msgspec.Raw(embedding)], "n_results": RESULTS_PER_QUERY}
    return msgspec.json.encode(fields)


def gets(collections: Sequence[str]) -> Iterator[bytes]:
    """Yield one small read for ever."""
    body = msgspec.json.encode({"ids": ["a"], "include": ["documents"]})
    made = [framed("POST", f"{COLLECTIONS}/{name}/get", body) for name in collections]
    while True:
        yield from made

"""Owns searches at one instance at rest, and their exact answers by brute force. Judges nothing.

Embeddings are compared by the squared Euclidean distance, which is Chroma's default.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.client.instance_reader import InstanceReader
from harness.errors import InstanceReadError
from harness.model.observation import Search

NEIGHBOURS = 10
_QUERIES_OF_EACH_SORT = 15

Vectors = NDArray[np.float32]


async def search_instance(reader: InstanceReader, seed: int) -> list[Search]:
    """Search every collection of the instance for embeddings that it holds, and for random ones.

    Instances that hold the same get the same searches, from the seed.
    """
    try:
        collections = await reader.collections()
    except InstanceReadError as error:
        return [Search(instance=reader.name, collection="", query="", error=str(error))]
    found: list[Search] = []
    for name, collection in sorted(collections.items(), key=lambda each: each[0]):
        try:
            found += await _search_collection(reader, name, collection.id, seed)
        except InstanceReadError as error:
            found.append(
                Search(instance=reader.name, collection=name, query="all", error=str(error))
            )
    return found


async def _search_collection(
    reader: InstanceReader, name: str, uuid: str, seed: int
) -> list[Search]:
    ids, vectors = await reader.vectors(uuid)
    if not ids:
        return []
    names, queries = choose_queries(ids, vectors, f"{seed}/{name}")
    wanted = min(NEIGHBOURS, len(ids))
    answers = await reader.search(uuid, queries, wanted)
    return [
        compare(
            Search(instance=reader.name, collection=name, query=query, wanted=wanted),
            distances_to(vectors, queries[n]),
            ids,
            answer,
        )
        for n, (query, answer) in enumerate(zip(names, answers, strict=True))
    ]


def choose_queries(
    ids: Sequence[str], vectors: Vectors, seed: str
) -> tuple[list[str], NDArray[np.float32]]:
    """Choose embeddings that are held, the same for the same ids, and make random ones."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    random = np.random.default_rng(int.from_bytes(digest))
    order = np.argsort(np.array(ids))
    count = min(_QUERIES_OF_EACH_SORT, len(ids))
    chosen = order[random.permutation(len(ids))[:count]]
    made = random.standard_normal((_QUERIES_OF_EACH_SORT, vectors.shape[1]), dtype=np.float32)
    names = [*(ids[n] for n in chosen), *(f"random {n}" for n in range(_QUERIES_OF_EACH_SORT))]
    return names, np.concatenate([vectors[chosen], made])


def distances_to(vectors: Vectors, query: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the exact distance of every embedding."""
    differences = vectors.astype(np.float64) - query.astype(np.float64)
    return np.asarray((differences**2).sum(axis=1))


def compare(
    search: Search, distances: NDArray[np.float64], ids: Sequence[str], answer: Sequence[str]
) -> Search:
    """Put the answer beside the exact distances."""
    of_id = dict(zip(ids, distances.tolist(), strict=True))
    return Search(
        instance=search.instance,
        collection=search.collection,
        query=search.query,
        wanted=search.wanted,
        found=tuple(answer),
        distances=tuple(round(of_id.get(document_id, -1.0), 6) for document_id in answer),
        limit_distance=round(
            float(np.partition(distances, search.wanted - 1)[search.wanted - 1]), 6
        ),
    )

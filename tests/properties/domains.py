"""What the rules draw from: small domains, so that names, ids and values meet again and again.

Wrong values are among them on purpose: what Chroma and its client refuse, they must refuse alike.
"""

from typing import Any

from chromadb.base_types import SparseVector
from hypothesis import strategies as st

UUID_LIKE = "0a1b2c3d-0000-4000-8000-00000000000a"

NAMES = st.sampled_from(["alpha", "beta", "gamma", "Al-pha_2", UUID_LIKE])
WRONG_NAMES = st.sampled_from(["", "x", "with space", "a..b", "-dash", "a/b", "süß", "n" * 513])
ANY_NAME = st.one_of(NAMES, NAMES, NAMES, WRONG_NAMES)

IDS = st.sampled_from(["a", "b", "c", "d", "e", "Ü/é 漢"])
ANY_ID = st.one_of(IDS, IDS, IDS, IDS, IDS, st.just(""))

KEYS = st.sampled_from(["k", "m", "ключ"])
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            "y",
            "ü漢\N{SLIGHTLY SMILING FACE}",
            0,
            1,
            -7,
            2**53 + 1,
            True,
            False,
            0.5,
            1.0,
            -1e-7,
            1e300,
        ]
    ),
    st.integers(-2, 2),
)
ODD_VALUES = st.sampled_from(
    [
        *(2**63, -(2**63), float("inf"), [], [True, "x"]),
        SparseVector(indices=[1, 3], values=[0.5, 1.0]),
    ]
)
VALUES = st.one_of(SCALARS, SCALARS, SCALARS, st.none(), ODD_VALUES)
METADATA = st.dictionaries(KEYS, VALUES, min_size=1, max_size=3)
ANY_METADATA = st.one_of(METADATA, METADATA, METADATA, st.none(), st.just({}))
# Documents get no lists that Chroma stores. When it deletes a collection it forgets them in its
# tables, and the next document that gets the same row, in any collection, has them: what a server
# answers depends on all that it ever held.
LISTS = st.sampled_from([["x", "y"], [1, 2]])
COLLECTION_METADATA = st.one_of(
    ANY_METADATA, ANY_METADATA, ANY_METADATA, st.dictionaries(KEYS, LISTS, min_size=1)
)

DOCUMENTS = st.sampled_from(
    [
        "",
        "one two",
        "two three",
        "ONE",
        "漢字 ünï \N{SLIGHTLY SMILING FACE}",
        "a\x00b",
        "(",
        '"\\\n',
    ]
)
ANY_DOCUMENT = st.one_of(DOCUMENTS, DOCUMENTS, DOCUMENTS, st.none())

NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([0.1, 1e-7, -2.5, 1e30]))
VECTORS = st.lists(NUMBERS, min_size=3, max_size=3)
WRONG_VECTORS = st.one_of(
    st.lists(NUMBERS, min_size=2, max_size=2), st.just([]), st.just([float("nan"), 0.0, 1.0])
)

CONFIGURATIONS = st.one_of(
    st.none(),
    st.sampled_from(["l2", "cosine", "ip", "none"]).map(lambda space: {"hnsw": {"space": space}}),
    # Not 0: the second document of such a collection kills a plain Chroma server.
    st.sampled_from([5, 20, -1]).map(lambda number: {"hnsw": {"max_neighbors": number}}),
)
NEW_CONFIGURATIONS = st.one_of(
    st.none(),
    st.sampled_from([50, 0, -1]).map(lambda number: {"hnsw": {"ef_search": number}}),
    st.just({"hnsw": {"space": "ip"}}),
    st.just({"spann": {"ef_search": 10}}),
)

COLUMN_NAMES = ("embeddings", "documents", "metadatas", "uris")
INCLUDES = st.one_of(
    st.just(["embeddings", "documents", "metadatas", "uris"]),
    st.lists(st.sampled_from([*COLUMN_NAMES, "distances", "data", "bad"]), max_size=3),
)
LIMITS = st.one_of(st.none(), st.integers(0, 4), st.sampled_from([-1, 2**31, 2**40]))


@st.composite
def batches(draw: st.DrawFn, *, with_embeddings: bool) -> dict[str, Any]:
    """Draw the arguments of add, upsert or update; sometimes of unequal lengths, or none at all."""
    ids = draw(st.lists(ANY_ID, max_size=4))
    if draw(st.integers(0, 9)):  # Mostly without repetition, which the client refuses.
        ids = list(dict.fromkeys(ids))
    columns: dict[str, Any] = {"ids": ids}
    drawn = {
        "embeddings": VECTORS,
        "documents": ANY_DOCUMENT,
        "metadatas": ANY_METADATA,
        "uris": st.one_of(st.none(), st.just("file:///ü")),
    }
    for name, values in drawn.items():
        is_usual = with_embeddings and name == "embeddings"
        if not draw(st.integers(0, 9)) if is_usual else draw(st.booleans()):
            continue
        length = len(ids) if draw(st.integers(0, 14)) else len(ids) + 1
        columns[name] = draw(st.lists(values, min_size=length, max_size=length))
    if columns.get("embeddings") and not draw(st.integers(0, 9)):
        columns["embeddings"][-1] = draw(WRONG_VECTORS)
    return columns


OPERATORS = (
    *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"),
    *("$contains", "$not_contains", "$bad"),
)
OPERANDS: st.SearchStrategy[Any] = st.one_of(SCALARS, st.lists(SCALARS, max_size=2))
COMPARISONS = st.builds(
    lambda operator, operand: {operator: operand},
    st.sampled_from(OPERATORS),
    OPERANDS,
)
_LEAF = st.builds(lambda key, value: {key: value}, KEYS, st.one_of(SCALARS, COMPARISONS))
WHERES = st.recursive(
    _LEAF,
    lambda inner: st.builds(
        lambda operator, parts: {operator: parts},
        st.sampled_from(["$and", "$or"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=3,
)
_TEXTS = st.sampled_from(["", "one", "two", "ONE", "漢", "(", "t[wh]", "^one", "x{1001}"])
_DOCUMENT_LEAF = st.builds(
    lambda operator, text: {operator: text},
    st.sampled_from(["$contains", "$not_contains", "$regex", "$not_regex"]),
    _TEXTS,
)
WHERE_DOCUMENTS = st.one_of(
    _DOCUMENT_LEAF,
    _DOCUMENT_LEAF,
    st.builds(
        lambda operator, parts: {operator: parts},
        st.sampled_from(["$and", "$or"]),
        st.lists(_DOCUMENT_LEAF, min_size=1, max_size=2),
    ),
)
ID_LISTS = st.one_of(st.none(), st.lists(IDS, max_size=3), IDS)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={"ids": ID_LISTS, "where": WHERES, "where_document": WHERE_DOCUMENTS},
)

import msgspec
import pytest

from harness.client.api import ContentRules, request_of
from harness.model.collection import metadata_token, name_token
from harness.model.document import make_mark
from harness.model.operation import Addressing, Invocation, Kind

LABEL = "AUTOTEST_1"
RULES = ContentRules(seed=1, dimensions=4)
TOKEN = "f/0@w"
MARK = make_mark("f/0", "client-1", "7")
ABOUT = metadata_token(LABEL, "w")


def invocation(kind: Kind, *tokens: str, addressing: Addressing = Addressing.IDS) -> Invocation:
    ids = ("f/0",) if addressing is Addressing.IDS else ()
    return Invocation(kind=kind, addressing=addressing, collection=LABEL, ids=ids, tokens=tokens)


@pytest.mark.parametrize(
    ("asked", "method", "end"),
    [
        (invocation(Kind.UPDATE, TOKEN), "POST", "/collections/uuid/update"),
        (invocation(Kind.COUNT), "GET", "/collections/uuid/count"),
        (invocation(Kind.LIST), "GET", "/collections?limit=1000"),
        (invocation(Kind.DROP), "DELETE", "/collections/uuid"),
        (invocation(Kind.MODIFY, ABOUT), "PUT", "/collections/uuid"),
        (invocation(Kind.RENAME, name_token(LABEL, "new")), "PUT", "/collections/uuid"),
        (invocation(Kind.CREATE, ABOUT), "POST", "/collections"),
    ],
)
def test_each_kind_has_its_path(asked: Invocation, method: str, end: str) -> None:
    request = request_of(asked, "uuid", RULES)
    assert request.method == method
    assert request.path.endswith(f"databases/default_database{end}")


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (
            invocation(Kind.UPDATE, MARK),
            {"ids": ["f/0"], "metadatas": [{"mark.client-1": MARK}]},
        ),
        (
            invocation(Kind.CREATE, ABOUT),
            {"name": LABEL, "get_or_create": True, "metadata": {"token": ABOUT}},
        ),
        (invocation(Kind.CREATE), {"name": LABEL, "get_or_create": True}),
        (invocation(Kind.MODIFY, ABOUT), {"new_metadata": {"token": ABOUT}}),
        (invocation(Kind.RENAME, name_token(LABEL, "new")), {"new_name": "new"}),
        (invocation(Kind.GET, addressing=Addressing.ALL), {"include": ["metadatas"]}),
    ],
)
def test_a_body_says_only_what_is_written(asked: Invocation, body: object) -> None:
    assert msgspec.json.decode(request_of(asked, "uuid", RULES).body) == body


def test_an_update_of_the_content_brings_all_of_it() -> None:
    request = request_of(invocation(Kind.UPDATE, TOKEN), "uuid", RULES)
    assert set(msgspec.json.decode(request.body)) == {
        "ids",
        "documents",
        "metadatas",
        "embeddings",
    }


@pytest.mark.parametrize("text_bytes", [0, 1, 500, 5000])
def test_a_text_is_at_least_as_long_as_it_is_told_and_not_much_longer(text_bytes: int) -> None:
    text = ContentRules(1, 4, text_bytes).document(TOKEN).text
    shortest = len(RULES.document(TOKEN).text)
    assert max(text_bytes, shortest) <= len(text) <= text_bytes + 2 * shortest

from collections import Counter
from itertools import islice

import pytest

from harness.model.document import file_of, id_of
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.cms import CmsGenerator

COLLECTIONS = ("AUTOTEST_1", "AUTOTEST_2", "AUTOTEST_3")


def invocations(seed: int = 7, process: str = "client-1", count: int = 600) -> list[Invocation]:
    return list(islice(CmsGenerator(process, seed, COLLECTIONS), count))


def test_the_same_seed_gives_the_same_sequence() -> None:
    assert invocations(seed=7) == invocations(seed=7)


@pytest.mark.parametrize("other", [{"seed": 8}, {"process": "client-2"}])
def test_another_seed_or_process_gives_another_sequence(other: dict[str, object]) -> None:
    assert invocations() != invocations(**other)  # type: ignore[arg-type]


def test_everything_a_cms_does_is_done() -> None:
    done = Counter((i.kind, i.addressing) for i in invocations())
    assert set(done) == {
        (Kind.ADD, Addressing.IDS),
        (Kind.UPSERT, Addressing.IDS),
        (Kind.DELETE, Addressing.IDS),
        (Kind.DELETE, Addressing.WHERE),
        (Kind.GET, Addressing.WHERE),
        (Kind.QUERY, Addressing.EMBEDDING),
    }
    assert min(done.values()) >= 20


def test_all_collections_are_used() -> None:
    assert {i.collection for i in invocations()} == set(COLLECTIONS)


def test_files_of_different_clients_are_different() -> None:
    def files(process: str) -> set[str]:
        return {i.file or file_of(i.ids[0]) for i in invocations(process=process)}

    assert not files("client-1") & files("client-2")


def test_a_file_stays_in_its_collection() -> None:
    placed: dict[str, set[str]] = {}
    for invocation in invocations():
        file = invocation.file or file_of(invocation.ids[0])
        placed.setdefault(file, set()).add(invocation.collection)
    assert all(len(collections) == 1 for collections in placed.values())


def test_no_content_is_written_twice() -> None:
    tokens = [t for i in invocations() if i.kind in (Kind.ADD, Kind.UPSERT) for t in i.tokens]
    assert len(tokens) == len(set(tokens))


def test_every_search_is_for_a_content_that_is_there_when_all_goes_well() -> None:
    stored: dict[str, str] = {}
    for invocation in invocations():
        match invocation.kind:
            case Kind.ADD | Kind.UPSERT:
                stored.update({id_of(token): token for token in invocation.tokens})
            case Kind.DELETE:
                gone = [i for i in stored if file_of(i) == invocation.file or i in invocation.ids]
                for document_id in gone:
                    del stored[document_id]
            case Kind.QUERY:
                assert stored[invocation.ids[0]] == invocation.tokens[0]


def test_a_file_has_eight_to_twenty_chunks() -> None:
    sizes = {len(i.ids) for i in invocations() if i.kind is Kind.ADD}
    assert min(sizes) == 8
    assert max(sizes) == 20

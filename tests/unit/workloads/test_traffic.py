from itertools import islice

import pytest

from harness.errors import UsageError
from harness.load.settings import Upload
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.client import WorkloadClient
from harness.workloads.settings import WorkloadSettings
from harness.workloads.traffic import TRAFFIC, create, traffic_named

COLLECTIONS = ("AUTOTEST_7_files_1", "AUTOTEST_7_files_2", "AUTOTEST_7_files_3")


def user(name: str = "user-0-1", skew: float = 0.0) -> WorkloadClient:
    return WorkloadClient(name, 7, COLLECTIONS, WorkloadSettings(skew=skew))


def done(traffic: str, count: int = 500, skew: float = 0.0) -> list[Invocation]:
    return list(islice(traffic_named(traffic).invocations(user(skew=skew), Upload()), count))


def kinds(traffic: str) -> set[Kind]:
    return {invocation.kind for invocation in done(traffic)}


@pytest.mark.parametrize("traffic", TRAFFIC)
def test_the_seed_decides_and_every_collection_is_of_the_run(traffic: str) -> None:
    assert done(traffic) == done(traffic)
    assert all(invocation.collection.startswith("AUTOTEST_7_") for invocation in done(traffic))


def test_those_who_ingest_only_write() -> None:
    assert kinds("ingest") == {Kind.ADD, Kind.UPSERT}


def test_those_who_search_write_only_what_they_need_for_it() -> None:
    writes = [i for i in done("search") if i.kind.is_write]
    assert len(writes) == 2
    assert kinds("search") >= {Kind.QUERY, Kind.GET}


def test_those_who_delete_do_it_by_ids_and_by_metadata() -> None:
    deletes = {i.addressing for i in done("delete") if i.kind is Kind.DELETE}
    assert deletes == {Addressing.IDS, Addressing.WHERE}


def test_skew_prefers_the_first_collection() -> None:
    def share(skew: float) -> float:
        made = done("cms", skew=skew)
        return sum(i.collection == COLLECTIONS[0] for i in made) / len(made)

    assert share(1.5) > share(0.0) + 0.1


def test_an_upload_fills_a_collection_of_its_own_and_ends() -> None:
    upload = Upload(documents=25, documents_per_request=10)
    made = list(traffic_named("upload").invocations(user(), upload))
    assert [i.kind for i in made] == [
        Kind.CREATE, Kind.ADD, Kind.ADD, Kind.ADD, Kind.DELETE, Kind.GET
    ]  # fmt: skip
    ids = [document_id for i in made if i.kind is Kind.ADD for document_id in i.ids]
    assert len(ids) == len(set(ids)) == 25
    assert {i.collection for i in made} == {"AUTOTEST_7_files_of-user-0-1"}
    others = traffic_named("upload").invocations(user("user-0-2"), upload)
    assert {i.collection for i in others}.isdisjoint(i.collection for i in made)


def test_a_collection_is_created_with_contents_by_which_it_is_known() -> None:
    made = create(user(), COLLECTIONS[0])
    assert (made.kind, made.collection) == (Kind.CREATE, COLLECTIONS[0])
    assert len(made.tokens) == 2


def test_unknown_traffic_is_told_the_known() -> None:
    with pytest.raises(UsageError, match="cms, ingest, search, delete, upload"):
        traffic_named("banking")

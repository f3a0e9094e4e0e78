"""What every workload has in common, and what each is for."""

from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from harness.errors import UsageError
from harness.model.collection import label_of
from harness.model.document import document_id_of, file_of, id_of, is_mark
from harness.model.operation import Addressing, Invocation, Kind, Naming
from harness.workloads.registry import WORKLOADS, invocations_of, preparation_of, workload_named
from harness.workloads.settings import Addressing as Addressed
from harness.workloads.settings import WorkloadSettings

COLLECTIONS = ("AUTOTEST_7_files_1", "AUTOTEST_7_files_2", "AUTOTEST_7_files_3")


def invocations(
    name: str, process: str = "client-1", seed: int = 7, count: int = 600, **settings: object
) -> list[Invocation]:
    chosen = replace(WorkloadSettings(name=name), **settings)  # type: ignore[arg-type]
    return list(islice(invocations_of(chosen, process, seed, COLLECTIONS), count))


def kinds(name: str) -> set[Kind]:
    return {invocation.kind for invocation in invocations(name)}


def keys(name: str, process: str) -> set[tuple[str, str]]:
    made = invocations(name, process)
    return {(i.collection, document_id) for i in made for document_id in i.ids}


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_same_seed_gives_the_same_sequence_and_another_one_another(name: str) -> None:
    assert invocations(name) == invocations(name)
    assert invocations(name) != invocations(name, seed=8)
    assert invocations(name) != invocations(name, process="client-2")


@pytest.mark.parametrize("name", WORKLOADS)
def test_no_content_is_written_twice(name: str) -> None:
    written = [
        (i.collection, token)
        for process in ("client-1", "client-2")
        for i in invocations(name, process)
        if i.kind.is_write and i.kind is not Kind.RENAME
        for token in i.tokens
        if not token.startswith(f"{i.collection}#name")
    ]
    assert written
    assert len(written) == len(set(written))


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_gives_each_checker_something_to_examine(name: str) -> None:
    made = kinds(name)
    assert Kind.DELETE in made
    assert Kind.GET in made
    assert made & {Kind.ADD, Kind.UPSERT}


@pytest.mark.parametrize("name", WORKLOADS)
def test_everything_is_about_collections_of_the_run(name: str) -> None:
    assert all(i.collection.startswith("AUTOTEST_7_") for i in invocations(name))


@pytest.mark.parametrize("name", ["register", "set", "batch", "rounds"])
def test_clients_work_on_the_same_documents(name: str) -> None:
    assert keys(name, "client-1") & keys(name, "client-2")


def test_register_asks_one_document_at_a_time_for_everything() -> None:
    made = invocations("register")
    assert {len(i.ids) for i in made} == {1}
    assert len(keys("register", "client-1")) == 6
    assert kinds("register") == {Kind.GET, Kind.UPSERT, Kind.UPDATE, Kind.ADD, Kind.DELETE}


def test_set_reads_and_counts_whole_collections() -> None:
    reads = [i for i in invocations("set") if not i.kind.is_write]
    assert {i.kind for i in reads} == {Kind.GET, Kind.COUNT}
    assert {i.addressing for i in reads} == {Addressing.ALL}


def test_a_counter_counts_in_its_own_key_and_never_deletes_what_is_shared() -> None:
    made = invocations("counter", "client-2")
    marks = [token for i in made for token in i.tokens if is_mark(token)]
    assert {id_of(token).partition("#")[2] for token in marks} == {"client-2"}
    assert {document_id_of(id_of(token)) for token in marks} > {"counter/0", "counter/1"}
    deleted = {file_of(d) for i in made if i.kind is Kind.DELETE for d in i.ids}
    assert deleted == {"counter-client-2"}


@pytest.mark.parametrize("name", ["counter", "mixed"])
def test_what_is_counted_in_is_there_before(name: str) -> None:
    prepared = preparation_of(WorkloadSettings(name=name), 7, COLLECTIONS)
    assert {i.kind for i in prepared} == {Kind.UPSERT}
    assert {d for i in prepared for d in i.ids} == {"counter/0", "counter/1", "counter/2"}


def test_batches_overlap_and_are_deleted_by_metadata_too() -> None:
    made = invocations("batch")
    sizes = {len(i.ids) for i in made if i.kind.is_write and i.ids}
    assert (min(sizes), max(sizes)) == (2, 12)
    assert {i.addressing for i in made if i.kind is Kind.DELETE} == {
        Addressing.IDS,
        Addressing.WHERE,
    }


def test_a_collection_is_used_between_its_create_and_its_drop_only() -> None:
    alive: set[str] = set()
    begun: Counter[str] = Counter()
    for invocation in invocations("lifecycle"):
        label = invocation.collection
        match invocation.kind:
            case Kind.CREATE:
                assert label not in alive
                begun[label] += 1
                alive.add(label)
            case Kind.DROP:
                alive.remove(label)
            case Kind.LIST:
                pass
            case _:
                assert label in alive
    assert max(begun.values()) > 5
    assert len(begun) > 5


def test_a_renamed_collection_keeps_its_label_and_is_never_created_again() -> None:
    made = invocations("lifecycle")
    renamed = [i.collection for i in made if i.kind is Kind.RENAME]
    names = {t.partition("@")[2] for i in made if i.kind is Kind.RENAME for t in i.tokens}
    assert {label_of(name) for name in names} == set(renamed)
    created = Counter(i.collection for i in made if i.kind is Kind.CREATE)
    assert {created[label] for label in renamed} == {1}


def test_what_is_updated_before_it_is_there_is_added_then_and_only_read_afterwards() -> None:
    made = [i for i in invocations("lifecycle") if "-expected-" in i.collection]
    first = made[0].collection
    early = next(set(i.ids) for i in made if i.kind is Kind.UPDATE)
    concerned = [i for i in made if i.collection == first and (not i.ids or early & set(i.ids))]
    kinds_in_order = [i.kind for i in concerned if i.kind is not Kind.DROP]
    assert kinds_in_order == [Kind.CREATE, Kind.UPDATE, Kind.ADD, Kind.GET, Kind.GET]


def test_clients_share_no_collection_that_comes_and_goes() -> None:
    def dropped(process: str) -> set[str]:
        made = invocations("lifecycle", process)
        return {i.collection for i in made if i.kind is Kind.DROP}

    assert dropped("client-1")
    assert not dropped("client-1") & dropped("client-2")


def test_mixed_does_what_all_others_do() -> None:
    others = [kinds(name) for name in WORKLOADS if name not in ("mixed", "rounds")]
    assert kinds("mixed") == set.union(*others)


def test_rounds_ask_for_every_kind_of_document_operation_equally_often() -> None:
    asked = Counter((i.kind, i.addressing) for i in invocations("rounds", count=80))
    assert set(asked) == {
        (Kind.ADD, Addressing.IDS),
        (Kind.UPSERT, Addressing.IDS),
        (Kind.UPDATE, Addressing.IDS),
        (Kind.DELETE, Addressing.IDS),
        (Kind.DELETE, Addressing.WHERE),
        (Kind.GET, Addressing.IDS),
        (Kind.GET, Addressing.WHERE),
        (Kind.QUERY, Addressing.EMBEDDING),
    }
    assert set(asked.values()) == {10}


def test_the_first_operations_of_many_clients_in_rounds_are_of_every_kind() -> None:
    first = {invocations("rounds", f"client-{n}", count=1)[0].kind for n in range(1, 201)}
    assert first == kinds("rounds")


def test_rounds_find_all_their_documents_written() -> None:
    prepared = preparation_of(WorkloadSettings(name="rounds"), 7, COLLECTIONS)
    assert [i.collection for i in prepared] == list(COLLECTIONS)
    there = {(i.collection, d) for i in prepared for d in i.ids}
    assert keys("rounds", "client-1") <= there


@pytest.mark.parametrize("name", ["cms", "register", "set", "batch"])
def test_skew_prefers_the_first_collection(name: str) -> None:
    def share(skew: float) -> float:
        made = invocations(name, skew=skew)
        return sum(i.collection == COLLECTIONS[0] for i in made) / len(made)

    assert share(1.5) > share(0.0) + 0.1


@pytest.mark.parametrize(
    ("addressing", "naming"),
    [
        (Addressed.ID, {Naming.ID}),
        (Addressed.NAME, {Naming.NAME}),
        (Addressed.INSTANCE, {Naming.INSTANCE}),
        (Addressed.MIXED, set(Naming)),
    ],
)
def test_collections_are_named_as_the_settings_say(
    addressing: Addressed, naming: set[Naming]
) -> None:
    made = invocations("register", addressing=addressing)
    assert {i.naming for i in made} == naming
    assert [i.ids for i in made] == [i.ids for i in invocations("register")]


def test_an_unknown_workload_is_told_the_known_ones() -> None:
    with pytest.raises(
        UsageError, match="cms, register, set, counter, lifecycle, batch, mixed, rounds"
    ):
        workload_named("banking")

import pytest

from harness.client.addresses import Addresses
from harness.model.collection import name_token
from harness.model.operation import Addressing, Invocation, Kind, Naming

LABEL = "AUTOTEST_1"


def invocation(kind: Kind, naming: Naming = Naming.ID, *tokens: str) -> Invocation:
    return Invocation(
        kind=kind, addressing=Addressing.ALL, collection=LABEL, tokens=tokens, naming=naming
    )


CREATE, DROP = invocation(Kind.CREATE), invocation(Kind.DROP)
RENAME = invocation(Kind.RENAME, Naming.ID, name_token(LABEL, f"{LABEL}.second"))


@pytest.fixture
def addresses() -> Addresses:
    made = Addresses()
    made.created(CREATE, "given")
    return made


def test_a_collection_is_called_by_the_id_that_the_server_gave_or_by_its_name(
    addresses: Addresses,
) -> None:
    assert addresses.resolve(invocation(Kind.GET), 1) == (Naming.ID, "given")
    assert addresses.resolve(invocation(Kind.GET, Naming.NAME), 1) == (Naming.NAME, LABEL)


def test_after_a_rename_the_name_is_the_new_one_and_the_id_stays(addresses: Addresses) -> None:
    addresses.renamed(RENAME)
    assert addresses.resolve(invocation(Kind.GET, Naming.NAME), 1)[1] == f"{LABEL}.second"
    assert addresses.resolve(invocation(Kind.GET), 1)[1] == "given"
    assert addresses.resolve(DROP, 1)[1] == f"{LABEL}.second"


def test_a_drop_takes_the_name_and_a_create_nothing(addresses: Addresses) -> None:
    assert addresses.resolve(DROP, 1) == (Naming.ID, LABEL)
    assert addresses.resolve(CREATE, 1) == (Naming.ID, "")


def test_the_uuids_of_all_instances_are_used_in_turn(addresses: Addresses) -> None:
    addresses.seen_on_instance(LABEL, "primary's")
    addresses.seen_on_instance(LABEL, "replica's")
    asked = invocation(Kind.GET, Naming.INSTANCE)
    assert {addresses.resolve(asked, n) for n in range(4)} == {
        (Naming.INSTANCE, "primary's"),
        (Naming.INSTANCE, "replica's"),
    }


def test_where_no_instance_gave_a_uuid_the_id_is_taken_and_said(addresses: Addresses) -> None:
    assert addresses.resolve(invocation(Kind.GET, Naming.INSTANCE), 1) == (Naming.ID, "given")


def test_a_dropped_collection_has_no_address(addresses: Addresses) -> None:
    addresses.renamed(RENAME)
    addresses.dropped(DROP)
    assert addresses.resolve(invocation(Kind.GET), 1) == (Naming.ID, None)
    addresses.created(CREATE, "another")
    assert addresses.resolve(invocation(Kind.GET), 1) == (Naming.ID, "another")
    assert addresses.resolve(DROP, 1)[1] == LABEL

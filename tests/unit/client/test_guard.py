import pytest

from harness.client.guard import TEST_PREFIXES, Guard
from harness.errors import ProtectedCollectionError
from harness.model.collection import name_token
from harness.model.operation import Addressing, Invocation, Kind

GUARD = Guard(("AUTOTEST_7_",), frozenset({"AUTOTEST_7_kept"}))


def about(kind: Kind, collection: str, *tokens: str) -> Invocation:
    return Invocation(
        kind=kind, addressing=Addressing.NAME, collection=collection, tokens=tuple(tokens)
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("global", "is protected"),
        ("AUTOTEST_7_kept", "is protected"),
        ("AUTOTEST_8_files_1", "begin with 'AUTOTEST_7_'"),
        ("customers", "begin with 'AUTOTEST_7_'"),
        ("my_AUTOTEST_7_", "begin with 'AUTOTEST_7_'"),
        ("", "begin with 'AUTOTEST_7_'"),
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_of_the_run_is_refused_whatever_is_asked_for(
    kind: Kind, name: str, reason: str
) -> None:
    tokens = [name_token("AUTOTEST_7_a", "AUTOTEST_7_a.second")] if kind is Kind.RENAME else []
    with pytest.raises(ProtectedCollectionError, match=f"{reason}.*: it was not touched"):
        GUARD.check_invocation(about(kind, name, *tokens))


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RENAME])
def test_what_is_of_the_run_is_allowed(kind: Kind) -> None:
    GUARD.check_invocation(about(kind, "AUTOTEST_7_files_1"))


@pytest.mark.parametrize("name", ["global", "AUTOTEST_7_kept", "customers"])
def test_a_collection_of_the_run_is_never_renamed_to_what_is_not(name: str) -> None:
    token = name_token("AUTOTEST_7_a", name)
    with pytest.raises(ProtectedCollectionError, match=name):
        GUARD.check_invocation(about(Kind.RENAME, "AUTOTEST_7_a", token))


def test_global_is_protected_also_where_others_are_named_and_the_prefix_fits() -> None:
    assert not Guard(("g",), frozenset({"docs"})).allows("global")
    assert Guard(("g",), frozenset({"docs"})).allows("good")


def test_an_empty_prefix_allows_nothing() -> None:
    assert not Guard(("",)).allows("customers")


def test_what_tests_leave_is_chosen_by_the_known_prefixes_in_order() -> None:
    names = ["test_b", "global", "contest_1", "AUTOTEST_1", "Test_c", "DEBUG_d", "test_b"]
    assert Guard(TEST_PREFIXES).allowed(names) == ["AUTOTEST_1", "DEBUG_d", "test_b"]

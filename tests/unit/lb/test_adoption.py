"""Which collections of the instances are unknown to the catalogue, and which may be adopted."""

from uuid import UUID

import pytest

from lb.adoption import sort_out
from lb.catalogue import Catalogue, Name
from lb.errors import BadRequestError
from lb.mapping_endpoints import decode_mapping

NAME = Name("default_tenant", "default_database", "docs")
ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(("a", "b"))


def test_what_every_instance_has_may_be_adopted(catalogue: Catalogue) -> None:
    findings = sort_out({"a": {NAME: ONE}, "b": {NAME: TWO}}, catalogue)
    assert findings.everywhere == {NAME: {"a": ONE, "b": TWO}}
    assert findings.somewhere == {}


def test_what_some_have_is_only_reported(catalogue: Catalogue) -> None:
    findings = sort_out({"a": {NAME: ONE}, "b": {}}, catalogue)
    assert findings.everywhere == {}
    assert findings.somewhere == {NAME: {"a": ONE}}


def test_a_name_that_the_catalogue_holds_is_its_own(catalogue: Catalogue) -> None:
    catalogue.reserve(NAME)
    findings = sort_out({"a": {NAME: ONE}, "b": {NAME: TWO}}, catalogue)
    assert findings.everywhere == findings.somewhere == {}


def test_a_uuid_that_is_mapped_still_is_not_foreign(catalogue: Catalogue) -> None:
    """The collection is being dropped: gone from the catalogue's names, not from instance b."""
    other = catalogue.reserve(Name("default_tenant", "default_database", "other"))
    catalogue.map(other, "b", TWO)
    findings = sort_out({"a": {NAME: ONE}, "b": {NAME: TWO}}, catalogue)
    assert findings.everywhere == findings.somewhere == {}


def test_a_mapping_names_every_instance() -> None:
    body = b'{"collection_name":"docs","a_id":"%s","b_id":"%s"}'
    full = body % (str(ONE).encode(), str(TWO).encode())
    assert decode_mapping(full, ("a", "b")) == (NAME, {"a": ONE, "b": TWO})
    for wrong in (b"{}", b"[]", b"\xff", body % (b"x", b"y"), full[:-1] + b',"c_id":"z"}'):
        with pytest.raises(BadRequestError, match="send"):
            decode_mapping(wrong, ("a", "b"))

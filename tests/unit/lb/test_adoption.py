"""Which collections of the instances are unknown to the catalogue, and which may be adopted."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest

from lb.adoption import Adoption, sort_out
from lb.catalogue import Catalogue, Name
from lb.errors import BadRequestError
from lb.mapping_endpoints import decode_mapping
from lb.model import Answer, Progress
from tests.unit.lb.stand_ins import a_fleet, a_tail

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


class StandInServer:
    """In place of an instance that has one collection; tells who listens what it is asked."""

    def __init__(self, uuid: UUID, on_ask: Callable[[str], None]) -> None:
        self._found = {"id": str(uuid), "name": NAME.name}
        self._on_ask = on_ask

    async def read(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        self._on_ask(path)
        if path.endswith("/databases"):
            database = {"id": str(ONE), "name": NAME.database, "tenant": NAME.tenant}
            return Answer(200, json.dumps([database]).encode())
        is_list = path.endswith("/collections")
        return Answer(200, json.dumps([self._found] if is_list else self._found).encode())


class StandInLog:
    """In place of the log: takes progress down."""

    def __init__(self) -> None:
        self.recorded: list[Progress] = []

    async def record(self, progress: Progress) -> None:
        self.recorded.append(progress)


async def test_a_collection_that_a_client_creates_meanwhile_is_not_given_foreign_uuids() -> None:
    """Its create will be refused, and the UUIDs would stay in PostgreSQL with nobody's name."""
    tail, log = a_tail(a_fleet("a", "b")), StandInLog()

    def create(path: str) -> None:
        if path.endswith(str(TWO)) and tail.catalogue.by_name(NAME) is None:
            tail.catalogue.reserve(NAME)

    servers = {name: StandInServer(uuid, create) for name, uuid in (("a", ONE), ("b", TWO))}

    await Adoption(servers, tail, log).look()

    created = tail.catalogue.by_name(NAME)
    assert created is not None
    assert created.uuids == {}
    assert log.recorded == []


def test_a_mapping_names_every_instance() -> None:
    body = b'{"collection_name":"docs","a_id":"%s","b_id":"%s"}'
    full = body % (str(ONE).encode(), str(TWO).encode())
    assert decode_mapping(full, ("a", "b")) == (NAME, {"a": ONE, "b": TWO})
    for wrong in (b"{}", b"[]", b"\xff", body % (b"x", b"y"), full[:-1] + b',"c_id":"z"}'):
        with pytest.raises(BadRequestError, match="send"):
            decode_mapping(wrong, ("a", "b"))

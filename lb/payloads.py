"""The few fields of bodies that decide routing; everything else is passed on byte for byte."""

from typing import TypeVar
from uuid import UUID, uuid5

import msgspec

from lb.errors import UnintelligibleAnswerError
from lb.model import NAMESPACES, NOWHERE, Answer

Shape = TypeVar("Shape")

NULL = msgspec.Raw(b"null")
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises; the last one is for bodies that are nested too deeply."""


class CreateBody(msgspec.Struct):
    """What a create says of names."""

    name: str
    get_or_create: bool | None = None


class ModifyBody(msgspec.Struct):
    """What a collection update says of names."""

    new_name: str | None = None


class DeleteBody(msgspec.Struct):
    """What a delete selects."""

    ids: list[str] | None = None
    where: msgspec.Raw = NULL
    where_document: msgspec.Raw = NULL
    limit: int | None = None

    @property
    def conditions(self) -> dict[str, msgspec.Raw]:
        """Return the conditions on documents that are given."""
        wheres = {"where": self.where, "where_document": self.where_document}
        return {name: where for name, where in wheres.items() if bytes(where) != b"null"}

    def as_get(self) -> bytes:
        """Return the `get` body that lists what the delete will remove."""
        fields: dict[str, object] = {**self.conditions, "include": []}
        if self.ids is not None:
            fields["ids"] = self.ids
        if self.limit is not None:
            fields["limit"] = self.limit
        return msgspec.json.encode(fields)


class CollectionObject(msgspec.Struct):
    """The part of a collection object that matters here."""

    id: UUID
    name: str


class DatabaseObject(msgspec.Struct):
    """What a database object says."""

    id: UUID
    name: str
    tenant: str


class Ids(msgspec.Struct):
    """The ids that a `get` answers."""

    ids: list[str]


def is_plain_object(body: bytes) -> bool:
    """Tell whether a body is a JSON object that is read here as Chroma reads it.

    Measured: Chroma takes lists in place of objects, and skips what it does not know however deep
    or misspelt it is. What of that cannot be read here cannot be checked either.
    """
    return _decode(body, dict[str, msgspec.Raw]) is not None


def decode_create(body: bytes) -> CreateBody | None:
    """Read a create's body; None when it is malformed."""
    return _decode(body, CreateBody)


def decode_modify(body: bytes) -> ModifyBody | None:
    """Read a collection update's body; None when it is malformed."""
    return _decode(body, ModifyBody)


def conditional_delete(body: bytes) -> DeleteBody | None:
    """Read a delete whose effect or answer depends on what it finds.

    None for any other: those may be repeated as they are, or Chroma refuses them.
    """
    delete = _decode(body, DeleteBody)
    return delete if delete is not None and delete.conditions else None


def listed_ids(answer: Answer) -> list[str]:
    """Read the ids out of a `get`'s answer."""
    return read_as(answer.body, Ids).ids


def delete_by_ids(ids: list[str]) -> bytes:
    """Write a delete that may be repeated; Chroma refuses an empty list, not an empty object."""
    return msgspec.json.encode({"ids": ids} if ids else {})


def plain_create(body: bytes) -> bytes:
    """Return a create that fails if the name exists, so that what exists is never taken over.

    A body that says so already is passed on as it is: Chroma's errors name its columns.
    """
    create = decode_create(body)
    if create is None or not create.get_or_create:
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    fields["get_or_create"] = msgspec.Raw(b"false")
    return msgspec.json.encode(fields)


def collection_id(body: bytes) -> UUID:
    """Read the id out of a collection object."""
    return read_as(body, CollectionObject).id


def collection_name(body: bytes) -> str:
    """Read the name out of a collection object."""
    return read_as(body, CollectionObject).name


def with_collection_id(body: bytes, logical_id: UUID) -> bytes:
    """Return a collection object with the id that clients see."""
    fields = read_as(body, dict[str, msgspec.Raw])
    fields["id"] = msgspec.Raw(msgspec.json.encode(logical_id))
    return msgspec.json.encode(fields)


def split_collections(body: bytes) -> list[tuple[UUID, bytes]]:
    """Return each collection object of a listing with its id on the instance."""
    objects = read_as(body, list[msgspec.Raw])
    return [(collection_id(bytes(raw)), bytes(raw)) for raw in objects]


def database_names(body: bytes) -> list[str]:
    """Read the names out of a listing of databases."""
    return [each.name for each in read_as(body, list[DatabaseObject])]


def shared_databases(body: bytes, hidden: str) -> list[bytes]:
    """Return the objects of a listing of databases, without one of them, with shared ids."""
    listed = read_as(body, list[msgspec.Raw])
    names = database_names(body)
    return [
        shared_database(bytes(raw))
        for name, raw in zip(names, listed, strict=True)
        if name != hidden
    ]


def shared_database(body: bytes) -> bytes:
    """Return a database object with an id that follows from its name, not from the instance."""
    database = read_as(body, DatabaseObject)
    if database.id == NOWHERE:
        return body  # Chroma's default database has this id everywhere.
    fields = read_as(body, dict[str, msgspec.Raw])
    shared = uuid5(NAMESPACES, f"{database.tenant}\0{database.name}")
    fields["id"] = msgspec.Raw(msgspec.json.encode(shared))
    return msgspec.json.encode(fields)


def join_objects(objects: list[bytes]) -> bytes:
    """Write a listing."""
    return b"[" + b",".join(objects) + b"]"


def error_body(code: str, message: str) -> bytes:
    """Write an error as Chroma writes it."""
    return msgspec.json.encode({"error": code, "message": message})


def read_as(body: bytes, shape: type[Shape]) -> Shape:
    """Read what an instance answered; raises `UnintelligibleAnswerError`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except MALFORMED as error:
        raise UnintelligibleAnswerError(
            f"an instance answered what is not Chroma's: {error}"
        ) from error


def _decode(body: bytes, shape: type[Shape]) -> Shape | None:
    try:
        return msgspec.json.decode(body, type=shape)
    except MALFORMED:
        return None

"""Owns what a content-management system does all day: ingest files, search, re-ingest, delete.

A generator decides by its seed and by what it asked for before, never by answers or by time: the
same seed gives the same sequence of invocations for each client process, however a run goes. Every
file belongs to one client process and to one collection, and a deleted file's name never returns.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from harness.model.document import id_of, make_token
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.settings import WorkloadSettings
from harness.workloads.skew import pick

# The CMS needs no settings of its own.
CmsSettings = WorkloadSettings

_FEWEST_CHUNKS, _MOST_CHUNKS = 8, 20
_FEWEST_FILES, _MOST_FILES = 2, 10


@dataclass(frozen=True)
class Weights:
    """How often a client does each thing, one against another; the default is a whole CMS."""

    ingest: int = 22
    search: int = 22
    list_file: int = 16
    list_deleted_file: int = 4
    replace_by_upsert: int = 10
    replace_by_delete_and_add: int = 10
    delete_by_ids: int = 8
    delete_by_file: int = 8


@dataclass(frozen=True)
class Habits:
    """What a client does, and how many files it keeps; one file more and it deletes one first.

    With fewer than two files it ingests, so that there is something to search and to delete.
    """

    weights: Weights = Weights()
    most_files: int | None = _MOST_FILES


CMS = Habits()
NOTHING = Weights(**dict.fromkeys(asdict(Weights()), 0))


@dataclass
class _File:
    """One file as its owner believes it to be; `tokens` are its chunks in order."""

    name: str
    collection: str
    tokens: list[str] = field(default_factory=list)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(id_of(token) for token in self.tokens)


class CmsGenerator:
    """The endless, seeded sequence of invocations of one client process."""

    def __init__(
        self,
        process: str,
        seed: int,
        collections: Sequence[str],
        skew: float = 0.0,
        habits: Habits = CMS,
    ) -> None:
        self._process = process
        self._habits = habits
        self._skew = skew
        self._collections = collections
        self._random = random.Random(f"{seed}/{process}")  # noqa: S311 (reproducible on purpose)
        self._files: list[_File] = []
        self._deleted: _File | None = None
        self._files_made = 0
        self._writes = 0

    def __iter__(self) -> Iterator[Invocation]:
        weights = asdict(self._habits.weights)
        actions = [getattr(self, f"_{name}") for name in weights]
        most = self._habits.most_files
        while True:
            action = self._random.choices(actions, list(weights.values()))[0]
            if len(self._files) < _FEWEST_FILES:
                action = self._ingest
            elif most is not None and action == self._ingest and len(self._files) >= most:
                action = self._delete_by_file
            yield from action()

    def _ingest(self) -> Iterator[Invocation]:
        self._files_made += 1
        name = f"{self._process}-file-{self._files_made}"
        file = _File(name, pick(self._random, self._collections, self._skew))
        self._files.append(file)
        self._write_chunks(file)
        yield _put(self._random.choice((Kind.ADD, Kind.UPSERT)), file)

    def _search(self) -> Iterator[Invocation]:
        file = pick(self._random, self._files, self._skew)
        token = self._random.choice(file.tokens)
        yield Invocation(
            kind=Kind.QUERY,
            addressing=Addressing.EMBEDDING,
            collection=file.collection,
            ids=(id_of(token),),
            tokens=(token,),
        )

    def _list_file(self) -> Iterator[Invocation]:
        yield _by_file(Kind.GET, pick(self._random, self._files, self._skew))

    def _list_deleted_file(self) -> Iterator[Invocation]:
        yield _by_file(Kind.GET, self._deleted or pick(self._random, self._files, self._skew))

    def _replace_by_upsert(self) -> Iterator[Invocation]:
        file = pick(self._random, self._files, self._skew)
        self._write_chunks(file, fewest=len(file.tokens))
        yield _put(Kind.UPSERT, file)

    def _replace_by_delete_and_add(self) -> Iterator[Invocation]:
        file = pick(self._random, self._files, self._skew)
        yield _by_file(Kind.DELETE, file)
        self._write_chunks(file)
        yield _put(Kind.ADD, file)

    def _delete_by_ids(self) -> Iterator[Invocation]:
        file = self._take_file()
        yield Invocation(
            kind=Kind.DELETE,
            addressing=Addressing.IDS,
            collection=file.collection,
            ids=file.ids,
        )

    def _delete_by_file(self) -> Iterator[Invocation]:
        yield _by_file(Kind.DELETE, self._take_file())

    def _take_file(self) -> _File:
        self._deleted = self._files.pop(self._random.randrange(len(self._files)))
        return self._deleted

    def _write_chunks(self, file: _File, fewest: int = _FEWEST_CHUNKS) -> None:
        """Give the file new content; by upsert never fewer chunks, or old ones would stay."""
        self._writes += 1
        chunks = self._random.randint(fewest, max(fewest, _MOST_CHUNKS))
        write = f"{self._process}.{self._writes}"
        file.tokens = [make_token(file.name, chunk, write) for chunk in range(chunks)]


def _put(kind: Kind, file: _File) -> Invocation:
    return Invocation(
        kind=kind,
        addressing=Addressing.IDS,
        collection=file.collection,
        ids=file.ids,
        tokens=tuple(file.tokens),
    )


def _by_file(kind: Kind, file: _File) -> Invocation:
    return Invocation(
        kind=kind, addressing=Addressing.WHERE, collection=file.collection, file=file.name
    )

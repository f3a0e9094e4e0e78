"""Owns the kinds of traffic of a load test: the CMS, parts of it alone, and an upload that ends.

Each is made of the same invocations as a workload, so that the same checkers judge it; a part
alone need not give every checker something to examine, which a workload does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.load.settings import Upload
from harness.model.collection import metadata_token, name_token
from harness.model.operation import Addressing, Invocation, Kind
from harness.workloads.client import Invocations, WorkloadClient, by_file, by_ids
from harness.workloads.cms import CMS, NOTHING, CmsGenerator, Habits


@dataclass(frozen=True)
class Traffic:
    """What users do, in a word and in a line."""

    name: str
    does: str
    invocations: Callable[[WorkloadClient, Upload], Invocations]


def create(client: WorkloadClient, collection: str) -> Invocation:
    """Create a collection unless it is there."""
    tokens = (
        metadata_token(collection, client.next_write()),
        name_token(collection, collection),
    )
    return Invocation(
        kind=Kind.CREATE, addressing=Addressing.NAME, collection=collection, tokens=tokens
    )


def _files(habits: Habits) -> Callable[[WorkloadClient, Upload], Invocations]:
    def invocations(client: WorkloadClient, upload: Upload) -> Invocations:
        del upload
        skew = client.settings.skew
        return iter(CmsGenerator(client.process, client.seed, client.collections, skew, habits))

    return invocations


def _upload(client: WorkloadClient, upload: Upload) -> Iterator[Invocation]:
    """Fill a collection of one's own, delete a document of it, list the file, and end."""
    prefix = client.collections[0].rpartition("_")[0]
    collection = f"{prefix}_of-{client.process}"
    file = f"{client.process}-file-1"
    yield create(client, collection)
    for first in range(0, upload.documents, upload.documents_per_request):
        last = min(first + upload.documents_per_request, upload.documents)
        yield client.put(Kind.ADD, collection, [f"{file}/{n}" for n in range(first, last)])
    yield by_ids(Kind.DELETE, collection, [f"{file}/0"])
    yield by_file(Kind.GET, collection, file)


TRAFFIC: Mapping[str, Traffic] = {
    traffic.name: traffic
    for traffic in (
        Traffic("cms", "ingest, search, list, replace and delete files", _files(CMS)),
        Traffic(
            "ingest",
            "ingest files, and keep them all",
            _files(Habits(replace(NOTHING, ingest=1), most_files=None)),
        ),
        Traffic(
            "search",
            "ingest a few files, and then search and list them",
            _files(Habits(replace(NOTHING, search=80, list_file=20))),
        ),
        Traffic(
            "delete",
            "ingest files, and delete them again, by ids and by metadata",
            _files(
                Habits(
                    replace(
                        NOTHING,
                        ingest=50,
                        list_deleted_file=10,
                        delete_by_ids=20,
                        delete_by_file=20,
                    )
                )
            ),
        ),
        Traffic("upload", "create a collection each, fill it, and end", _upload),
    )
}


def traffic_named(name: str) -> Traffic:
    """Find a kind of traffic; raises `UsageError` that names the valid ones."""
    try:
        return TRAFFIC[name]
    except KeyError:
        raise UsageError(
            f"there is no traffic {name!r}; the kinds are {', '.join(TRAFFIC)}"
        ) from None

"""Users that ingest files, and keep them all."""

from locustfiles._shape import ChosenShape
from locustfiles._user import RecordedUser

__all__ = ["ChosenShape", "IngestUser"]


class IngestUser(RecordedUser):
    """One of them."""

    traffic = "ingest"

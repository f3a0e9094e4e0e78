"""Users that ingest files, and delete them again, by ids and by metadata."""

from locustfiles._shape import ChosenShape
from locustfiles._user import RecordedUser

__all__ = ["ChosenShape", "DeleteUser"]


class DeleteUser(RecordedUser):
    """One of them."""

    traffic = "delete"

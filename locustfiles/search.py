"""Users that ingest a few files, and then search and list them."""

from locustfiles._shape import ChosenShape
from locustfiles._user import RecordedUser

__all__ = ["ChosenShape", "SearchUser"]


class SearchUser(RecordedUser):
    """One of them."""

    traffic = "search"

"""Users of a whole CMS: they ingest, search, list, replace and delete files."""

from locustfiles._shape import ChosenShape
from locustfiles._user import RecordedUser

__all__ = ["ChosenShape", "CmsUser"]


class CmsUser(RecordedUser):
    """One of them."""

    traffic = "cms"

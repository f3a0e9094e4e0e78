"""Users that create a collection each, all at once, fill it, and end."""

from locustfiles._shape import ChosenShape
from locustfiles._user import RecordedUser

__all__ = ["ChosenShape", "UploadUser"]


class UploadUser(RecordedUser):
    """One of them."""

    traffic = "upload"

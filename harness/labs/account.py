"""The unprivileged account that PostgreSQL runs as when the lab is started by root."""

import os
import pwd
from dataclasses import dataclass

from harness.errors import LabError


@dataclass(frozen=True)
class Account:
    """A user of the operating system."""

    name: str
    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """Choose who runs PostgreSQL: None for ourselves, which is right unless we are root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise LabError(
            "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as; "
            "start the lab as an ordinary user"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

"""Owns which of the errors of a task group reaches the user: the first, by itself."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_error_of_group() -> Iterator[None]:
    """Raise the first error of a task group itself, so that its text reaches the user."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group

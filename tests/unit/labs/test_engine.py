"""A Docker Engine that is not there."""

import gc
import warnings
from pathlib import Path

import pytest

from harness.errors import PartMissingError
from harness.labs.containers.engine import Engine


def test_where_nobody_listens_the_error_says_what_to_do_and_no_socket_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(PartMissingError, match="make engine"):
            Engine()
        gc.collect()
    assert [str(each.message) for each in warned] == []

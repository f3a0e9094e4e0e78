"""The vendored plotting library is what was published, and nobody has touched it."""

import hashlib

import pytest

from harness.report.plotting import SCRIPT, SHA256, VERSION, vendored


@pytest.mark.parametrize("name", SHA256)
def test_a_vendored_file_is_the_published_one(name: str) -> None:
    assert hashlib.sha256(vendored(name).encode()).hexdigest() == SHA256[name]


def test_the_script_says_the_version_that_is_recorded() -> None:
    assert f"(v{VERSION})" in vendored(SCRIPT).splitlines()[0]

from pathlib import Path

import pytest

from harness.labs.containers.memory import MemoryAccount

FIRST = {
    "memory.usage_in_bytes": "1000",
    "memory.stat": "cache 1\ntotal_cache 300\ntotal_rss 700",
    "memory.failcnt": "5",
}
SECOND = {
    "memory.current": "1000",
    "memory.stat": "anon 600\ninactive_file 250\nactive_file 50",
    "memory.events": "low 0\nhigh 0\nmax 5\noom 1",
}


@pytest.mark.parametrize("is_first_version", [True, False])
def test_what_a_container_keeps_is_all_but_the_cache_of_files(
    tmp_path: Path, *, is_first_version: bool
) -> None:
    for name, text in (FIRST if is_first_version else SECOND).items():
        (tmp_path / name).write_text(text + "\n")
    group = MemoryAccount(tmp_path, is_first_version=is_first_version)
    assert group.kept_bytes() == 700
    assert group.refusals() == 5

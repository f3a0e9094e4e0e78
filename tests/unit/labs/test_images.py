from pathlib import Path

import pytest

from harness.errors import PartMissingError
from harness.labs.containers.images import find_compose_file

COMPOSE = """
services:
  lb: {image: "${LB_IMAGE:-lb:public}", networks: [link]}
  postgres: {image: "${POSTGRES_IMAGE:-postgres:public}", networks: [link]}
networks: {link: }
"""
STAND_INS = "# A comment.\nLB_IMAGE=lb:offline\nPOSTGRES_IMAGE=postgres:offline\n"
STAND_IN_IMAGES = {"lb:offline", "postgres:offline"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "offline").mkdir()
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "offline" / "images.env").write_text(STAND_INS)
    return tmp_path


@pytest.mark.parametrize(
    ("there", "environment", "taken"),
    [
        (set(), {}, ("lb:public", "postgres:public")),
        (STAND_IN_IMAGES, {}, ("lb:offline", "postgres:offline")),
        (STAND_IN_IMAGES | {"lb:public"}, {}, ("lb:public", "postgres:offline")),
        (STAND_IN_IMAGES, {"LB_IMAGE": "lb:mine"}, ("lb:mine", "postgres:offline")),
    ],
)
def test_a_stand_in_is_taken_where_the_public_image_is_not_there(
    directory: Path, there: set[str], environment: dict[str, str], taken: tuple[str, str]
) -> None:
    file = find_compose_file(there.__contains__, environment, directory)
    assert (file.service("lb").image, file.service("postgres").image) == taken


def test_a_third_instance_brings_its_settings_which_the_environment_may_change(
    directory: Path,
) -> None:
    (directory / "third-instance.env").write_text("LB_IMAGE=lb:knows-three\n")

    def image(environment: dict[str, str]) -> str:
        file = find_compose_file(lambda _: True, environment, directory, has_third_instance=True)
        return file.service("lb").image

    assert image({}) == "lb:knows-three"
    assert image({"LB_IMAGE": "lb:mine"}) == "lb:mine"


def test_without_the_file_it_is_said_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(PartMissingError, match=r"compose\.yaml cannot be read .*in a checkout"):
        find_compose_file(lambda _: True, {}, tmp_path)

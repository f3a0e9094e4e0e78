from pathlib import Path

import pytest

import harness
from harness.errors import LabError
from harness.labs.containers.compose_file import read_compose

FILE = """
x-server: &server
  image: ${SERVER_IMAGE:-server:1}
  command: [run, --port, "8000"]
services:
  one:
    <<: *server
    environment: {A: "1", B: "${B:-two}", C: "${C}", D: "$$5"}
    networks:
      link: {aliases: [one.internal]}
      outside: {}
    ports: ["127.0.0.1:${ONE_PORT:-8001}:8000"]
    volumes: ["data:/data"]
    configs: [{source: words, target: /words.txt}]
    mem_limit: 400m
    read_only: true
    cap_drop: [ALL]
    healthcheck: {interval: 1s}
  two:
    image: two:2
    environment: [A=1=2]
    networks: [link]
networks:
  link: {internal: true}
  outside:
configs:
  words: {content: "hello\\n"}
"""


def test_a_service_is_read_with_the_defaults_of_its_variables() -> None:
    one = read_compose(FILE, {}).service("one")
    assert one.image == "server:1"
    assert one.command == ("run", "--port", "8000")
    assert one.environment == {"A": "1", "B": "two", "C": "", "D": "$5"}
    assert one.networks == {"link": ("one.internal",), "outside": ()}
    assert one.ports == (8000,)
    assert one.volumes == {"data": "/data"}
    assert one.configs == {"words": "/words.txt"}
    assert one.memory_bytes == 400 << 20
    assert one.is_read_only
    assert one.cap_drop == ("ALL",)


def test_variables_take_the_places_of_defaults_unless_they_are_empty() -> None:
    one = read_compose(FILE, {"SERVER_IMAGE": "mine:3", "B": "", "C": "three"}).service("one")
    assert one.image == "mine:3"
    assert (one.environment["B"], one.environment["C"]) == ("two", "three")


def test_the_short_forms_mean_the_same() -> None:
    file = read_compose(FILE, {})
    two = file.service("two")
    assert two.environment == {"A": "1=2"}
    assert two.networks == {"link": ()}
    assert (two.command, two.memory_bytes, two.is_read_only) == (None, None, False)
    assert file.networks == {"link": True, "outside": False}
    assert file.configs == {"words": "hello\n"}


def test_what_the_lab_does_not_know_is_refused_and_not_passed_over() -> None:
    with pytest.raises(LabError, match="service two has privileged, which the compose lab"):
        read_compose(FILE.replace("    image: two:2", "    image: two:2\n    privileged: true"), {})


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(LabError, match="'much' is no size"):
        read_compose(FILE.replace("400m", "much"), {})


def test_a_service_that_is_not_there_is_answered_by_those_that_are() -> None:
    with pytest.raises(LabError, match="no service three; it has one, two"):
        read_compose(FILE, {}).service("three")


def test_the_projects_own_file_is_known_in_all_its_words() -> None:
    text = (Path(harness.__file__).parents[1] / "compose" / "compose.yaml").read_text()
    lb = read_compose(text, {}).service("lb")
    assert lb.memory_bytes == 400 << 20
    assert lb.is_read_only
    assert {"PORT", "PRIMARY_URL", "REPLICA_URL", "DATABASE_URL"} <= lb.environment.keys()

"""Which images a lab of containers is made of, and whether they are there.

compose.yaml takes each from a variable, with a public one by default. Where the public one is not
in the engine and its stand-in is, which `make lab-images-offline` builds, the stand-in is taken.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import harness
from harness.errors import LabError, PartMissingError
from harness.labs.containers.compose_file import ComposeFile, read_compose
from harness.labs.containers.engine import Engine

_DIRECTORY = Path(harness.__file__).parents[1] / "compose"
_COMPOSE, _STAND_INS, _THIRD = "compose.yaml", "offline/images.env", "third-instance.env"
BESIDES = ("postgres", "toxiproxy", "lb")
"""The services that a lab has besides its instances."""
SERVICES = ("primary", "replica", *BESIDES)
"""Those that a lab consists of, if it has no third instance."""
HINT = "Without a registry, `make lab-images-offline` builds stand-ins for the public images"


def find_compose_file(
    is_there: Callable[[str], bool],
    environment: Mapping[str, str] = os.environ,
    directory: Path = _DIRECTORY,
    *,
    has_third_instance: bool = False,
) -> ComposeFile:
    """Read compose.yaml, with the images that are there; raises `PartMissingError` without it."""
    try:
        if has_third_instance:
            environment = {**_variables((directory / _THIRD).read_text()), **environment}
        text = (directory / _COMPOSE).read_text()
        stand_ins = _variables((directory / _STAND_INS).read_text())
    except OSError as error:
        raise PartMissingError(
            f"{error.filename} cannot be read ({error.strerror}): the lab of containers takes the "
            "project's directory, as it is in a checkout"
        ) from error
    public = read_compose(text, environment)
    offline = read_compose(text, {**stand_ins, **environment})
    taken = {
        offline.services[name].image
        for name, service in public.services.items()
        if not is_there(service.image) and is_there(offline.services[name].image)
    }
    chosen = {name: image for name, image in stand_ins.items() if image in taken}
    return read_compose(text, {**chosen, **environment})


def fetch_missing(engine: Engine, images: Iterable[str]) -> None:
    """Fetch what is not there; raises `LabError` that says what else can be done."""
    for image in images:
        if engine.image_id(image):
            continue
        try:
            engine.pull(image)
        except LabError as error:
            raise LabError(f"{error}. {HINT}") from error


def _variables(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}

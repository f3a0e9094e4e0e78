"""Where time went, from a profile in speedscope's format. Pure.

https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

import msgspec


class Frame(msgspec.Struct, frozen=True):
    """A function and its file."""

    name: str
    file: str = ""


class _Shared(msgspec.Struct):
    frames: list[Frame]


class _Thread(msgspec.Struct):
    samples: list[list[int]]
    weights: list[float]


class _Recording(msgspec.Struct):
    shared: _Shared
    profiles: list[_Thread]


@dataclass(frozen=True)
class Share:
    """A function's part of all samples: in itself, and with what it called."""

    function: str
    own: float
    total: float


def shares(speedscope: bytes) -> list[Share]:
    """Give every function's shares, those with the largest own part first."""
    recording = msgspec.json.decode(speedscope, type=_Recording)
    own: Counter[Frame] = Counter()
    total: Counter[Frame] = Counter()
    whole = 0.0
    for thread in recording.profiles:
        for stack, weight in zip(thread.samples, thread.weights, strict=True):
            whole += weight
            frames = [recording.shared.frames[index] for index in stack]
            if frames:
                own[frames[-1]] += weight  # type: ignore[assignment]
            for frame in set(frames):
                total[frame] += weight  # type: ignore[assignment]
    if not whole:
        return []
    found = [Share(_named(f), own[f] / whole, weight / whole) for f, weight in total.items()]
    return sorted(found, key=lambda share: (-share.own, -share.total, share.function))


def _named(frame: Frame) -> str:
    """Name the function, and its file by the last two parts of the path."""
    if not frame.file:
        return frame.name
    return f"{frame.name} ({'/'.join(PurePath(frame.file).parts[-2:])})"

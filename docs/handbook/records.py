"""Writes the reference of a run's files from the records that are written to them."""

import inspect
from typing import get_args

import msgspec
from msgspec.inspect import Type, type_info

from docs.handbook.markdown import page, table
from harness.model.fault_window import FaultWindow
from harness.model.final_state import FinalState, HeldCollection, HeldDocument
from harness.model.history import Header, Limits, Milestone
from harness.model.observation import Observation
from harness.model.operation import Addressing, Completion, Kind, Naming, Operation
from harness.model.verdict import Outcome, Verdict, Violation

_IN_HISTORY = (Header, Operation, FaultWindow, Milestone, *get_args(Observation))
_OTHERS = (Limits, FinalState, HeldCollection, HeldDocument, Verdict, Violation)
_WORDS = (Kind, Addressing, Naming, Completion, Outcome)
_NAMES = {"int": "whole number", "float": "number", "str": "text", "bool": "true or false"}

INTRODUCTION = """
Written by `make reference` from `harness/model`. What each file of a run directory is for:
[checkers.md](../checkers.md#the-run-directory).

`history.jsonl` is JSON, one record a line, in the order in which things became known; `type` says
which record it is. The first one is `run`. A reader accepts a last line that is torn, and no other
that is none of these. A field that has its default may be left out. Times that end in `_ns` are of
one monotonic clock, in nanoseconds; only their differences mean something. A fault is recorded
again at each step, under the same `index`: the last record counts.

`chroma-chaos export RUN --format edn` writes the operations as Jepsen's checkers read them.
`final.jsonl` has one `FinalState` a line; `verdict.json` is an object with `outcome`, `limits` and
`verdicts`.
"""


def record_page() -> str:
    """Write the page: a section for each record, then for what stands in their fields."""
    return page(
        "The history and other files of a run",
        INTRODUCTION.strip(),
        "## Records of the history",
        *(_section(f"`{each.__struct_config__.tag}`", each) for each in _IN_HISTORY),
        "## What stands in other files, and in fields",
        *(_section(each.__name__, each) for each in _OTHERS),
        "## Words",
        table(
            ("", "one of", "what it says"),
            (
                (each.__name__, ", ".join(f"`{value.value}`" for value in each), _said(each)[0])
                for each in _WORDS
            ),
        ),
    )


def _section(title: str, record: type[msgspec.Struct]) -> str:
    rows = (
        (f"`{field.encode_name}`", _spelt(type_info(field.type)), _default(field))
        for field in msgspec.structs.fields(record)
    )
    parts = (f"### {title}", *_said(record), table(("field", "", "default"), rows))
    return "\n\n".join(parts)


def _said(documented: type) -> list[str]:
    return inspect.cleandoc(documented.__doc__ or "").split("\n\n")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return ""
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return f"`{msgspec.json.encode(value).decode()}`"


def _spelt(kind: Type) -> str:
    """Name a type in words."""
    match kind:
        case msgspec.inspect.StructType(cls=cls) | msgspec.inspect.EnumType(cls=cls):
            return cls.__name__
        case msgspec.inspect.DictType(value_type=value):
            return f"object of ({_spelt(value)})"
        case msgspec.inspect.VarTupleType(item_type=item):
            return f"array of {_spelt(item)}"
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_spelt(each) for each in types)
        case msgspec.inspect.NoneType():
            return "null"
    return _NAMES[type(kind).__name__.removesuffix("Type").lower()]

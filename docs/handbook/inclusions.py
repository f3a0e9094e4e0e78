"""Owns the code that documents show of files: a block whose info is `python of FILE`. Pure.

The file lies beside the document or below it, and tests run it; so what is shown works.
"""

import re
from collections.abc import Callable

_BLOCK = re.compile(r"^```(?P<language>\w+) of (?P<file>\S+)\n(?:.*\n)*?```$", re.MULTILINE)


def with_files(text: str, read: Callable[[str], str]) -> str:
    """Give the text of a document in which each such block holds what is in its file."""

    def filled(block: re.Match[str]) -> str:
        content = read(block["file"]).rstrip("\n")
        return f"```{block['language']} of {block['file']}\n{content}\n```"

    return _BLOCK.sub(filled, text)

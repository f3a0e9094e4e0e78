"""Owns what the load balancer's answers about itself are worth: whether it offers them, and sense.

An endpoint is *offered* when it gave at least one sensible answer in the run. One that never did is
not: a page of HTML, a 404 and silence are all the same then, for a load balancer is free not to
have it. After a sensible answer, nonsense is a broken promise; no answer at all is not, because the
load balancer may be the one that is being disturbed.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from harness.model.history import History
from harness.model.observation import LbAnswer
from harness.model.verdict import Verdict, not_offered, unknown

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True)
class Word:
    """One sensible answer: `content` is the JSON object that it was."""

    answer: LbAnswer
    content: dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """All answers of one path; `words` are those that make sense."""

    path: str
    answers: tuple[LbAnswer, ...]
    words: tuple[Word, ...]

    @property
    def is_offered(self) -> bool:
        """Tell whether it ever gave a sensible answer."""
        return bool(self.words)

    def refusal(self, checker: str) -> Verdict:
        """Make the verdict for an endpoint that is not offered, or was not asked for at all."""
        if not self.answers:
            return unknown(checker, f"{self.path} was not asked for")
        if all("ConnectError" in answer.error for answer in self.answers):
            return unknown(checker, f"nobody was there to answer {self.path}")
        seen = describe(self.answers[0])
        return not_offered(checker, f"the load balancer does not offer {self.path}: {seen}")

    @property
    def nonsense(self) -> tuple[LbAnswer, ...]:
        """The successful answers without sense."""
        sensible = {word.answer.asked_ns for word in self.words}
        return tuple(
            answer
            for answer in self.answers
            if 200 <= answer.status < 300 and answer.asked_ns not in sensible
        )


def endpoint(history: History, path: str, key: str) -> Endpoint:
    """Collect the answers of one path; a sensible one is a JSON object that has `key`."""
    answers = tuple(a for a in history.observed(LbAnswer) if a.path == path)
    words = (Word(answer, content_of(answer)) for answer in answers)
    return Endpoint(path, answers, tuple(word for word in words if key in word.content))


def content_of(answer: LbAnswer) -> dict[str, Any]:
    """Read a successful answer as a JSON object; empty when it is anything else."""
    if not 200 <= answer.status < 300:
        return {}
    try:
        content = msgspec.json.decode(answer.body.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def counts(value: Any) -> dict[str, int] | None:
    """Read a mapping of names to counts, or one count for all; None when it is anything else."""
    found = value if isinstance(value, dict) else {"all": value}
    if not found or not all(is_count(count) for count in found.values()):
        return None
    return {str(name): count for name, count in found.items()}


def is_count(value: Any) -> bool:
    """Tell whether it is a whole number from 0 on; JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def describe(answer: LbAnswer) -> str:
    """Say in one line what came back."""
    body = " ".join(answer.body[:_SHOWN_CHARACTERS].split())
    return f"status {answer.status or 'none'} {answer.error or body}".rstrip()

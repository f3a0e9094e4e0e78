"""The page as a whole: what it says first, and that nothing of a run can become a part of it."""

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from harness.checkers.judge import _ALWAYS as CHECKERS
from harness.model.history import PHASE_STARTED, HistoryWriter, Milestone
from harness.model.operation import Completion, Kind
from harness.model.verdict import Verdict, Violation, decide, unknown
from harness.report.html.document import document
from harness.report.html.embedded_history import embed
from harness.report.html.facts import RunFacts
from harness.report.html.headline import outcome_of, sentence
from harness.report.promises import PROMISES
from tests.unit.checkers.histories import OLD, SECOND, add, history, operation
from tests.unit.checkers.observed import fault, says

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}\u2028"


class Parsed(HTMLParser):
    """Collects elements and attributes, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "src"]


def page_of(tmp_path, *records: Any, **more: Any) -> str:
    made = history(*records)
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path, made.header) as log:
        for record in records:
            log.append(record)
    return document(RunFacts(made, **more), embed(path))


def test_nothing_of_a_run_becomes_an_element_a_script_or_a_template(tmp_path) -> None:
    records = [
        Milestone(name=PHASE_STARTED, at_ns=0, detail=HOSTILE),
        msgspec.structs.replace(
            operation(Kind.ADD, 0, 9, Completion.INFO, tokens=[f"{HOSTILE}/0@w"], process=HOSTILE),
            error=HOSTILE,
        ),
        msgspec.structs.replace(fault("kill", "primary", 1, 2), fault=HOSTILE, target=HOSTILE),
        says("/status", {"instances": [{"name": HOSTILE, "state": HOSTILE, "cause": HOSTILE}]}),
    ]
    violation = Violation(HOSTILE, (HOSTILE,), (HOSTILE,), operation=f"{HOSTILE}#0")
    verdicts = (decide(HOSTILE, 1, [violation]), unknown(HOSTILE, HOSTILE))
    description = dict.fromkeys(("command", "started_at"), HOSTILE)
    description["workload"] = {HOSTILE: HOSTILE}
    page = page_of(tmp_path, *records, verdicts=verdicts, description=description)
    (tmp_path / "plain").mkdir()
    plain = page_of(tmp_path / "plain")
    parsed = Parsed(page)
    assert parsed.tags.count("script") == Parsed(plain).tags.count("script")
    assert "img" not in parsed.tags
    assert parsed.handlers == []
    assert "{{ 7*7 }}" in page
    assert "<script>alert" not in page


def test_the_policy_allows_two_scripts_and_no_network(tmp_path) -> None:
    page = page_of(tmp_path)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert policy.count("sha256-") == 3
    assert "http" not in policy
    assert "unsafe" not in policy


def test_the_first_lines_say_what_was_lost_when_and_under_which_fault(tmp_path) -> None:
    lost = Violation("an acknowledged write is lost: x", operation="client-1#0")
    page = page_of(
        tmp_path,
        add(OLD, 0, SECOND),
        fault("kill", "primary", 0.5, 2),
        verdicts=(decide("durability", 3, [lost]),),
        description={"command": "chroma-chaos run primary-down --seed 7"},
    )
    first = page[page.index("<header>") : page.index("</header>")]
    for said in (
        "1 of 1 checkers found violations: durability (1).",
        "an acknowledged write is lost: x",
        "client-1#0",
        "asked for at 0.000 s",
        "kill primary, from 0.50 s to 2.00 s",
        "chroma-chaos run primary-down --seed 7",
    ):
        assert said in first


@pytest.mark.parametrize(
    ("verdicts", "outcome", "said"),
    [
        ((), "not judged", "interrupted before it was judged"),
        ((decide("a", 1, ()),), "pass", "All 1 checkers pass"),
        ((decide("a", 1, ()), unknown("b", "")), "unknown", "Not proven: 1 could not tell: b."),
        ((decide("a", 1, [Violation("x")]), unknown("b", "")), "fail", "1 of 2 checkers found"),
    ],
)
def test_the_headline_says_the_verdict(
    verdicts: tuple[Verdict, ...], outcome: str, said: str
) -> None:
    facts = RunFacts(history(), verdicts)
    assert outcome_of(facts) == outcome
    assert said in sentence(facts)


def test_what_could_not_be_told_stands_on_the_first_screen(tmp_path) -> None:
    page = page_of(tmp_path, verdicts=(unknown("faults", "kill primary was not seen"),))
    first = page[page.index("<header>") : page.index("</header>")]
    assert "<b>faults</b>: kill primary was not seen" in first


def test_every_checker_is_explained() -> None:
    assert {*CHECKERS, "faults", "endings", "counts"} == set(PROMISES)

"""Owns the report as one HTML document, which needs nothing but itself and runs only our scripts.

Everything that comes from a run is escaped: by the template in the text, as JSON in the data.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.model.fault_window import FaultWindow
from harness.report.html import headline, series, tables
from harness.report.html.beliefs import beliefs, detections
from harness.report.html.embedded_history import EmbeddedHistory
from harness.report.html.facts import RunFacts
from harness.report.html.findings import MOST_IN_FULL, Finding, findings, not_shown
from harness.report.html.lanes import lanes
from harness.report.palette import palette
from harness.report.plotting import SCRIPT, STYLE, vendored
from harness.report.promises import PROMISES
from harness.report.timeline import timeline

_SCRIPTS = (
    "columns.js",
    "history.js",
    "axis.js",
    "charts.js",
    "latency.js",
    "lanes.js",
    "report.js",
)
"""In the order in which they build on one another; together they are one script."""
_MOST_EVENTS = 500


def document(facts: RunFacts, history: EmbeddedHistory) -> str:
    """Write the whole report."""
    scripts = (vendored(SCRIPT), "\n".join(_asset(name) for name in _SCRIPTS))
    style = "\n".join((vendored(STYLE), palette(), _asset("report.css")))
    found = findings(facts)
    events = list(timeline(facts.history))
    environment = Environment(
        loader=PackageLoader("harness.report.html", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(
        "report.html.jinja"
    ).render(
        policy=_policy(scripts, style),
        # Ours, and vendored: the only text that is not escaped.
        style=Markup(style),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        data=Markup(_data(facts, history, found)),  # noqa: S704
        streams=history.streams,
        facts=facts,
        outcome=headline.outcome_of(facts),
        sentence=headline.sentence(facts),
        figures=list(headline.figures(facts)),
        reasons=headline.reasons(facts),
        findings=found,
        violations=sum(len(verdict.violations) for verdict in facts.verdicts),
        groups=[
            (verdict, [f for f in found if f.checker == verdict.checker], not_shown(verdict))
            for verdict in facts.verdicts
            if verdict.violations
        ],
        most_in_full=MOST_IN_FULL,
        promises=PROMISES,
        latencies=tables.latencies(facts),
        events=events[:_MOST_EVENTS],
        more_events=max(0, len(events) - _MOST_EVENTS),
        memory=list(tables.extremes(series.memory(facts), "MB")),
        processor=list(tables.extremes(series.processor(facts), "%")),
        backlog=list(tables.extremes(series.backlog(facts), "")),
        about=list(tables.about(facts)),
    )


def _data(facts: RunFacts, history: EmbeddedHistory, found: Sequence[Finding]) -> str:
    """Encode what the charts are drawn from; nothing in it can end the element it stands in."""
    believed = beliefs(facts.history)
    data = {
        # A little more, so that what is at the end is seen.
        "end": round(1.01 * facts.end_seconds, 3),
        "origin_ns": str(history.origin_ns),
        "origin_seconds": facts.seconds(history.origin_ns),
        "tables": history.tables,
        "phases": [{"name": n, "begin": b, "end": e} for n, b, e in facts.phases],
        "latencies": tables.latencies(facts),
        "faults": [_fault(facts, w) for w in facts.history.fault_windows.values() if w.injected_ns],
        "lanes": lanes(facts, believed, detections(facts.history, believed)),
        "rates": series.rates(facts),
        "backlog": series.backlog(facts),
        "memory": series.memory(facts),
        "processor": series.processor(facts),
        "violations": [
            {"number": f.number, "at": f.at, "until": f.until, "checker": f.checker}
            for f in found
            if f.at is not None
        ],
        "limit_seconds": facts.history.header.limits.gap_seconds,
    }
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _fault(facts: RunFacts, window: FaultWindow) -> dict[str, Any]:
    healed_ns = window.heal_observed_ns or window.healed_ns
    return {
        "name": window.fault,
        "begin": facts.seconds(window.injected_ns),
        "end": facts.seconds(healed_ns) if healed_ns else facts.end_seconds,
    }


def _policy(scripts: tuple[str, ...], style: str) -> str:
    """Allow exactly these scripts and this style, and no network at all."""
    allowed = " ".join(map(_hash, scripts))
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (files("harness.report.html") / "page" / name).read_text()

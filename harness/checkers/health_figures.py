"""Judges that `/status` shows an instance that is cut off as unhealthy, and a well one as healthy.

Only faults that leave no way through count as cut off, an administrator's word among them; what a
slow or lossy instance is worth is for the load balancer to decide.
"""

from collections.abc import Sequence
from typing import Any

from harness.checkers.answers import Word, describe, endpoint, is_count
from harness.checkers.disturbances import disturbed, instance_names, span_of
from harness.model.final_state import FinalState
from harness.model.history import History
from harness.model.verdict import Verdict, Violation, decide, unknown

NAME = "health-figures"
PATH = "/status"
HEALTHY = "healthy_instances"

# How long a load balancer may take to notice, and then to trust again.
DETECT_NS = 5_000_000_000
RECOVER_NS = 10_000_000_000
_NO_WAY_THROUGH = frozenset({"kill", "pause", "cut", "black-hole", "force-down"})


def check(history: History, finals: Sequence[FinalState]) -> Verdict:
    """Compare every answer with the faults around it."""
    del finals
    asked = endpoint(history, PATH, HEALTHY)
    if not asked.is_offered:
        return asked.refusal(NAME)
    names = instance_names(history)
    violations = [Violation(f"{PATH} makes no sense", (describe(a),)) for a in asked.nonsense]
    examined = 0
    ill_since: dict[str, int] = {}
    for word in asked.words:
        said = healthy_in(word.content, names)
        if said is None:
            violations.append(Violation(f"{PATH} contradicts itself", (describe(word.answer),)))
            continue
        for name in names:
            found = _judge(history, word, name, said, ill_since)
            examined += found is not None
            violations += [found] if isinstance(found, Violation) else []
    if not examined and not violations:
        return unknown(NAME, "no instance was certainly well or certainly cut off")
    return decide(NAME, examined, violations)


def healthy_in(content: dict[str, Any], names: Sequence[str]) -> dict[str, bool] | None:
    """Read which instances are said to be healthy; None when the answer contradicts itself.

    Where only their number is told, it is taken for all of them or for none.
    """
    number = content[HEALTHY]
    rows = content.get("instances")
    if not is_count(number) or number > len(names):
        return None
    if not isinstance(rows, list):
        return {name: number == len(names) for name in names} if number in (0, len(names)) else {}
    said = {
        row["name"]: row["healthy"]
        for row in rows
        if isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("healthy"), bool)
    }
    if set(said) != set(names) or sum(said.values()) != number:
        return None
    return said


def _judge(
    history: History, word: Word, name: str, said: dict[str, bool], ill_since: dict[str, int]
) -> Violation | bool | None:
    """Judge what one answer says of one instance; None when nothing is certain then.

    A well instance may be doubted for a moment, on a busy machine above all: only one that is shown
    as unhealthy all the time is wronged.
    """
    if name not in said:
        return None
    asked_ns, answered_ns = word.answer.asked_ns, word.answer.answered_ns
    if word.answer.at_rest and not disturbed(history, (asked_ns, answered_ns)):
        # It was asked again and again until all were healthy, or there was time enough.
        if not said[name]:
            return _violation(word, f"{name} was well at rest, and {PATH} showed it as unhealthy")
        return True
    if said[name] or disturbed(history, (asked_ns - RECOVER_NS, answered_ns), instance=name):
        ill_since.pop(name, None)
    if _is_cut_off(history, name, asked_ns, answered_ns):
        if said[name]:
            return _violation(word, f"{name} was cut off, and {PATH} showed it as healthy")
        return True
    if disturbed(history, (asked_ns - RECOVER_NS, answered_ns), instance=name):
        return None
    if not said[name]:
        if asked_ns - ill_since.setdefault(name, asked_ns) >= DETECT_NS:
            return _violation(word, f"{name} was well, and {PATH} showed it as unhealthy")
        return None
    return True


def _violation(word: Word, message: str) -> Violation:
    return Violation(message, (describe(word.answer),))


def _is_cut_off(history: History, name: str, asked_ns: int, answered_ns: int) -> bool:
    """Tell whether the instance could not be reached since long before the question.

    Never while the load balancer or its log is disturbed as well: it may know nothing then.
    """
    return any(
        window.target == name
        and window.fault.split()[0] in _NO_WAY_THROUGH
        and window.took_effect
        and not window.ended_early
        and window.effect_observed_ns + DETECT_NS <= asked_ns
        and answered_ns < (window.healed_ns or span_of(window)[1])
        for window in history.fault_windows.values()
    ) and not disturbed(history, (asked_ns - RECOVER_NS, answered_ns), but_instances=True)

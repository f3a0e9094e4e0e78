"""The scenarios of transaction safety: what becomes of writes that nobody could take in time."""

from harness.faults.failpoint import FailpointCrash
from harness.faults.kill import Kill
from harness.model.history import Limits
from harness.runner.scenario import Disruption, Phase, Scenario, throughout

_USE_CASE = "Use case 6, transaction safety"
# Clients see errors while there is nobody to serve them; that is not what is promised.
_ERRORS = Limits(failed_operations=None, gap_seconds=None)

# Before, between and after logging, applying, acknowledging and advancing a cursor.
STEPS = (
    "before-commit",
    "after-append",
    "after-send:primary",
    "before-ack",
    "before-cursor:primary",
    "after-cursor:primary",
)
"""The steps of a write at which the load balancer crashes."""

BOTH_DOWN = Scenario(
    name="both-down",
    use_case=_USE_CASE,
    promise=(
        "A write that no instance can take is answered 503 with Retry-After and its transaction "
        "id, stays in the log, and is applied as soon as an instance returns; no write is lost, "
        "none is applied twice, and the client can ask what became of it."
    ),
    phases=(
        Phase("baseline", 2.0),
        Phase(
            "both-down",
            5.0,
            tuple(Disruption(Kill(name), 0.0, 5.0) for name in ("primary", "replica")),
        ),
        Phase("recovery", 4.0),
    ),
    limits=_ERRORS,
    lb_environment={"WRITE_TIMEOUT_SECONDS": "2", "READ_TIMEOUT_SECONDS": "2"},
)

POSTGRES_DOWN = Scenario(
    name="postgres-down",
    use_case=_USE_CASE,
    promise=(
        "While PostgreSQL is killed and comes back, reads go on; a write that is refused meanwhile "
        "has no effect, one in doubt can be asked for, and nothing acknowledged is lost."
    ),
    phases=(
        Phase("baseline", 2.0),
        throughout("postgres-down", 5.0, Kill("postgres")),
        Phase("recovery", 3.0),
    ),
    limits=_ERRORS,
)

LB_CRASH = Scenario(
    name="lb-crash",
    use_case=_USE_CASE,
    promise=(
        "When the load balancer is killed and started again, nothing acknowledged is lost, what "
        "was in doubt is either applied everywhere or nowhere, and both instances hold identical "
        "data within 5 s of its return."
    ),
    phases=(
        Phase("baseline", 2.0),
        Phase("lb-crash", 5.0, tuple(Disruption(Kill("lb"), at, 1.0) for at in (0.0, 3.0))),
        Phase("recovery", 3.0),
    ),
    limits=_ERRORS,
)

LB_CRASH_STEPS = Scenario(
    name="lb-crash-steps",
    use_case=_USE_CASE,
    promise=(
        "When the load balancer crashes between any two steps of a write, from logging it to "
        "noting it as done, the write happens once or not at all, and its client can ask which."
    ),
    phases=(
        Phase("baseline", 2.0),
        Phase(
            "lb-crash-steps",
            4.0,
            tuple(
                Disruption(FailpointCrash("lb", step), place * 0.5, 0.5)
                for place, step in enumerate(STEPS)
            ),
        ),
        Phase("recovery", 3.0),
    ),
    limits=_ERRORS,
)

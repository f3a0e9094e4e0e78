"""The scenarios of those who run the system: deploys, power cuts, and instances away for long."""

from harness.faults.kill import Kill
from harness.faults.two_lbs import RollingDeploy
from harness.model.history import Limits
from harness.runner.scenario import Disruption, Phase, Scenario, throughout

ROLLING_DEPLOY = Scenario(
    name="rolling-deploy",
    use_case="Operation: a rolling deploy",
    promise=(
        "While the load balancer is replaced by a new one, twice, no operation fails and no client "
        "waits more than 1.5 s; nothing is lost, and nothing is done twice."
    ),
    phases=(
        Phase("baseline", 2.0),
        Phase("deploys", 6.0, tuple(Disruption(RollingDeploy("lb"), at, 0.5) for at in (0.0, 3.0))),
        Phase("recovery", 3.0),
    ),
    # Half a second in which clients are told to go, and one in which the new one takes over.
    limits=Limits(gap_seconds=1.5),
)

RESTART_OF_EVERYTHING = Scenario(
    name="restart-of-everything",
    use_case="Operation: everything restarts at once",
    promise=(
        "When the load balancer, both instances and PostgreSQL are killed at once and started "
        "again, nothing acknowledged is lost, nothing deleted returns, and both instances hold "
        "identical data within 5 s."
    ),
    phases=(
        Phase("baseline", 3.0),
        Phase(
            "everything-down",
            3.0,
            (
                *(Disruption(Kill(n), 0.0, 2.0) for n in ("postgres", "primary", "replica")),
                # The load balancer cannot start before PostgreSQL.
                Disruption(Kill("lb"), 0.0, 3.0),
            ),
        ),
        Phase("recovery", 4.0),
    ),
    limits=Limits(failed_operations=None, gap_seconds=None),
)

LONG_OUTAGE = Scenario(
    name="long-outage",
    use_case="Operation: an outage longer than the log waits",
    promise=(
        "While the replica is away for so long that the log no longer keeps what it lacks, no "
        "operation fails and no client waits more than 1 s; when it returns it is rebuilt while "
        "clients go on, and both instances hold identical data within 10 s."
    ),
    phases=(
        Phase("baseline", 3.0),
        throughout("long-outage", 6.0, Kill("replica")),
        Phase("recovery", 5.0),
    ),
    limits=Limits(converge_seconds=10.0),
    lb_environment={"LOG_MAX_ENTRIES": "20", "PRUNE_INTERVAL_SECONDS": "1"},
)

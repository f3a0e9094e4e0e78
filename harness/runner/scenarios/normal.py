"""The scenario of a lab in which nothing is broken."""

from harness.runner.scenario import Phase, Scenario

NORMAL = Scenario(
    name="normal",
    use_case="Use case 1, normal operation",
    promise=(
        "With all parts well, no operation fails, every write and every delete reaches both "
        "instances, and they hold identical data within 5 s of the last write."
    ),
    phases=(Phase("normal", 10.0),),
)

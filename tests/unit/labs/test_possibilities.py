import pytest

from harness.errors import PartMissingError
from harness.labs import possibilities
from harness.labs.base import Capability, Need
from harness.labs.possibilities import is_prepared, why_not

INSTANCES = ("primary", "replica")


@pytest.fixture(autouse=True)
def able_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for question in ("why_no_disks", "why_no_memory_limits", "why_no_cpu_limits", "find_faketime"):
        monkeypatch.setattr(possibilities, question, lambda: "")


@pytest.mark.parametrize(
    ("capability", "target", "told"),
    [
        (Capability.DOUBLE_LB, "primary", "only the load balancer has"),
        (Capability.FAILPOINT, "postgres", "only the load balancer has"),
        (Capability.FILL_DISK, "postgres", "only Chroma servers can have a disk of their own"),
        (Capability.FREEZE_DISK, "lb", "only Chroma servers can have a disk of their own"),
        (Capability.LIMIT_MEMORY, "lb", "only Chroma servers are seen to lack memory"),
        (Capability.SHIFT_CLOCK, "toxiproxy", "tells nobody its time"),
        (Capability.LIMIT_CPU, "toxiproxy", "toxiproxy is the lab's own"),
        (Capability.DISCONNECT, "lb", "only primary, replica and postgres have a link"),
        (Capability.DISCONNECT, "primary", "processes of this machine share its network"),
        (Capability.FORCE_HEALTH, "lb", "only Chroma servers are forced out of service"),
    ],
)
def test_a_target_that_it_cannot_be_done_to_is_refused(
    capability: Capability, target: str, told: str
) -> None:
    need = Need(capability, target)
    assert told in why_not(need, {need}, INSTANCES, has_failpoints=True)


def test_a_foreign_load_balancer_has_no_failpoints() -> None:
    need = Need(Capability.FAILPOINT, "lb")
    assert "only our own" in why_not(need, {need}, INSTANCES, has_failpoints=False)
    assert not why_not(need, {need}, INSTANCES, has_failpoints=True)


def test_a_lab_that_was_not_started_for_it_says_so() -> None:
    need = Need(Capability.SHIFT_CLOCK, "primary")
    others = {Need(Capability.SHIFT_CLOCK, "replica")}
    assert "was not started for shift-clock of primary" in why_not(need, others, INSTANCES, True)
    assert not why_not(need, {need}, INSTANCES, True)
    unasked = Need(Capability.FORCE_HEALTH, "primary")
    assert "was not started for force-health" in why_not(unasked, others, INSTANCES, True)


def test_one_disk_serves_all_that_is_done_to_disks() -> None:
    assert is_prepared(
        Need(Capability.FILL_DISK, "primary"), {Need(Capability.FREEZE_DISK, "primary")}
    )


@pytest.mark.parametrize(
    ("question", "capability"),
    [
        ("why_no_disks", Capability.FREEZE_DISK),
        ("why_no_memory_limits", Capability.LIMIT_MEMORY),
        ("why_no_cpu_limits", Capability.LIMIT_CPU),
    ],
)
def test_a_machine_that_cannot_do_it_says_why(
    monkeypatch: pytest.MonkeyPatch, question: str, capability: Capability
) -> None:
    monkeypatch.setattr(possibilities, question, lambda: "it takes root")
    need = Need(capability, "primary")
    assert why_not(need, {need}, INSTANCES, True) == "it takes root"


def test_without_the_library_no_clock_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise PartMissingError("install the package")

    monkeypatch.setattr(possibilities, "find_faketime", missing)
    need = Need(Capability.SHIFT_CLOCK, "lb")
    assert why_not(need, {need}, INSTANCES, True) == "install the package"

"""Random sessions of the official client cannot tell the load balancer from plain Chroma."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.properties.conftest import profile
from tests.properties.machine import SameAsPlainChroma
from tests.properties.sides import Worlds

INSTANCES = ("primary", "replica")


class WhileInstancesDie(SameAsPlainChroma):
    """One instance at a time is killed or comes back, and nobody waits until that is noticed."""

    def dead(self) -> list[str]:
        return [name for name in INSTANCES if not self.world.is_alive(name)]

    @precondition(lambda self: not self.dead())
    @rule(instance=st.sampled_from(INSTANCES))
    def kill(self, instance: str) -> None:
        self.world.kill(instance)

    @precondition(lambda self: self.dead())
    @rule()
    def heal(self) -> None:
        for instance in self.dead():
            self.world.restart(instance)

    @precondition(lambda self: not self.dead())
    @rule(instance=st.sampled_from(INSTANCES))
    def kill_and_restart(self, instance: str) -> None:
        self.world.restart(instance)


class WhileTheLoadBalancerDies(SameAsPlainChroma):
    """The load balancer is killed between two operations and started again."""

    @rule()
    def kill_and_restart(self) -> None:
        self.world.restart("lb")


def test_without_faults(worlds: Worlds) -> None:
    run_state_machine_as_test(lambda: SameAsPlainChroma(worlds), settings=profile(50, 30))


def test_while_one_instance_is_killed_and_restarted(worlds: Worlds) -> None:
    run_state_machine_as_test(lambda: WhileInstancesDie(worlds), settings=profile(30, 30))


def test_while_the_load_balancer_is_killed_and_restarted(worlds: Worlds) -> None:
    run_state_machine_as_test(lambda: WhileTheLoadBalancerDies(worlds), settings=profile(6, 25))

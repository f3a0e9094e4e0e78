"""The ability of a lab of ours to run two load balancers behind one front."""

from collections.abc import Callable, Mapping

from harness.errors import LabError
from harness.labs.front import Front
from harness.labs.load_balancer import LoadBalancer

_START_TIMEOUT_SECONDS = 30.0
# A load balancer may take its time to answer those who wait.
_END_TIMEOUT_SECONDS = 20.0


class LbPair:
    """The first load balancer, maybe a second, and the front that clients reach them through."""

    def __init__(
        self, first: LoadBalancer, front: Front, another: Callable[[str], LoadBalancer]
    ) -> None:
        self.first = first
        self.second: LoadBalancer | None = None
        self.front = front
        self._another = another
        self._made = 1

    async def start_second(self) -> None:
        """Start it and return when it answers."""
        await self.end_second()
        self._made += 1
        self.second = self._another(f"lb-{self._made}")
        await self.second.start(_START_TIMEOUT_SECONDS)

    def share(self) -> None:
        """Give new connections to the two in turn."""
        self.front.send_to(self.first.port, self._living_second().port)

    async def hand_over(self) -> str:
        """Give new connections to the second, end the first, and let the second be the first."""
        old, new = self.first, self._living_second()
        self.front.send_to(new.port)
        self.first, self.second = new, None
        try:
            await old.process.end(_END_TIMEOUT_SECONDS)
        finally:
            await old.process.kill()
        return old.process.ending

    async def end_second(self) -> None:
        """Give new connections to the first, and end the second, if there is one."""
        self.front.send_to(self.first.port)
        second, self.second = self.second, None
        if second is not None:
            await second.process.stop(_END_TIMEOUT_SECONDS)

    def _living_second(self) -> LoadBalancer:
        if self.second is None:
            raise LabError("there is no second load balancer; start it first")
        return self.second


class DoublesLb:
    """Gives a lab the ability `DoubleLb`; the lab says what its pair is."""

    _pair: LbPair | None = None

    def connections_by_lb(self) -> Mapping[str, int]:
        """Count the connections by the address of who took them."""
        counted = self._of_pair().front.connections
        return {f"http://127.0.0.1:{port}": count for port, count in counted.items()}

    def second_lb_url(self) -> str | None:
        """Where the second one itself listens."""
        second = self._of_pair().second
        return None if second is None else second.url

    def is_second_lb_alive(self) -> bool:
        """Tell whether the process of the second one runs."""
        second = self._of_pair().second
        return second is not None and second.process.is_alive()

    async def start_second_lb(self) -> None:
        """Start a second load balancer on the same environment, but its port."""
        await self._of_pair().start_second()

    def share_clients(self) -> None:
        """Give new connections to the two in turn."""
        self._of_pair().share()

    async def hand_over(self) -> str:
        """Put the second in the place of the first, which is asked to end."""
        pair = self._of_pair()
        ending = await pair.hand_over()
        self._note_first(pair.first)
        return ending

    async def end_second_lb(self) -> None:
        """End the second one."""
        await self._of_pair().end_second()

    def _note_first(self, lb: LoadBalancer) -> None:
        raise NotImplementedError

    def _of_pair(self) -> LbPair:
        if self._pair is None:
            raise LabError("this lab was not started for two load balancers")
        return self._pair

"""Ports of 127.0.0.1 that belong to one lab for its whole life, also while a server is dead."""

import socket
import sys


class PortReservations:
    """Hands out free ports, each to one lab only, however many labs start at the same time.

    On Linux a reservation is a bound socket that never listens. It was bound exclusively, so no
    other lab and no outgoing connection gets its port; it then allows address reuse, so the
    server itself (every server here sets SO_REUSEADDR) can bind and rebind. A connection to it
    is refused, as to any dead server. Elsewhere a port is merely free when it is handed out.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def reserve(self) -> int:
        """Reserve a free port."""
        reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reservation.bind(("127.0.0.1", 0))
        port: int = reservation.getsockname()[1]
        if sys.platform == "linux":
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.append(reservation)
        else:
            reservation.close()
        return port

    def release(self) -> None:
        """Give all ports back."""
        while self._held:
            self._held.pop().close()

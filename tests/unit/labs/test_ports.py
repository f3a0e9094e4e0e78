import socket
import sys

import pytest

from harness.labs.ports import PortReservations

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="ports are only held on Linux")


@pytest.fixture
def ports():
    reservations = PortReservations()
    yield reservations
    reservations.release()


def server_socket(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_a_server_can_listen_on_a_reserved_port_again_and_again(ports: PortReservations) -> None:
    port = ports.reserve()
    for _ in range(2):
        with server_socket(port), socket.create_connection(("127.0.0.1", port)):
            pass


def test_a_reserved_port_without_a_server_refuses_connections(ports: PortReservations) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports.reserve()))


@linux_only
def test_a_reserved_port_is_given_to_nobody_else(ports: PortReservations) -> None:
    port = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


@linux_only
def test_reserved_ports_differ_between_labs(ports: PortReservations) -> None:
    other = PortReservations()
    reserved = [ports.reserve() for _ in range(50)] + [other.reserve() for _ in range(50)]
    other.release()
    assert len(set(reserved)) == 100


def test_a_released_port_is_free_again(ports: PortReservations) -> None:
    port = ports.reserve()
    ports.release()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))

"""Asks the load balancer in this container for its health; ends with 0 when it answers 200.

By a bare socket: it runs every few seconds, and what it imported would count for the container's
memory.
"""

import os
import socket
import sys

TIMEOUT_SECONDS = 2.0


def is_healthy(port: int) -> bool:
    """Tell whether `GET /health` answers 200."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.1 200 ")


if __name__ == "__main__":
    try:
        sys.exit(0 if is_healthy(int(os.environ.get("PORT") or 8000)) else 1)
    except OSError as error:
        sys.exit(f"no answer: {error}")

"""The fault proxy as a process: where it listens, its control port, and `str(Route)` for each."""

import asyncio
import sys
from contextlib import suppress

from harness.http_proxy.server import Route, serve

if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        routes = [Route.parse(text) for text in sys.argv[3:]]
        asyncio.run(serve(sys.argv[1], int(sys.argv[2]), routes))

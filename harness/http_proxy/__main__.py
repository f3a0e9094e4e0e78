"""The fault proxy as a process; it takes the control port, then `TARGET:PORT:PORT` for each."""

import asyncio
import sys
from contextlib import suppress

from harness.http_proxy.server import Route, serve

if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), [Route.parse(text) for text in sys.argv[2:]]))

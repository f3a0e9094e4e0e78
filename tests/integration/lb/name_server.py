"""A name server that knows one name, for what asks a cluster's DNS."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

NAME_IS_UNKNOWN = 3
_POINTER_TO_THE_QUESTION = b"\xc0\x0c"
_TYPE_A, _CLASS_IN = 1, 1
_TTL_SECONDS = 1


class NameServer(asyncio.DatagramProtocol):
    """Answers what addresses a name has (RFC 1035); of version 6 it has none."""

    def __init__(self, name: str, addresses: list[str]) -> None:
        self.addresses = addresses
        self._name = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        end = data.index(b"\0", 12) + 5
        question, name = data[12:end], data[12 : end - 4]
        is_known = name.lower() == self._name
        is_for_a = int.from_bytes(question[-4:-2], "big") == _TYPE_A
        found = self.addresses if is_known and is_for_a else []
        code = 0 if is_known else NAME_IS_UNKNOWN
        head = data[:2] + bytes([0x85, 0x80 | code]) + b"\0\1" + len(found).to_bytes(2, "big")
        answers = [self._answer(address) for address in found]
        self._transport.sendto(head + b"\0\0\0\0" + question + b"".join(answers), addr)

    def _answer(self, address: str) -> bytes:
        kind = _TYPE_A.to_bytes(2, "big") + _CLASS_IN.to_bytes(2, "big")
        return (
            _POINTER_TO_THE_QUESTION
            + kind
            + _TTL_SECONDS.to_bytes(4, "big")
            + b"\0\4"
            + socket.inet_aton(address)
        )


@asynccontextmanager
async def naming(name: str, addresses: list[str]) -> AsyncIterator[int]:
    """Run one on a free port of 127.0.0.1, which is what it yields."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(name, addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()

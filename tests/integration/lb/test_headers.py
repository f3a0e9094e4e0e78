"""What an instance gets of a client's headers: the content type, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx

from harness.labs.ports import PortReservations
from harness.labs.processes import ProcessLab
from tests.integration.lb.calls import DATABASE, eventually
from tests.integration.lb.test_start import another_lb, environment

QUIET = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
UNKNOWN = QUIET.replace(b"200 OK", b"404 Not Found")
HOP_BY_HOP = {
    "Connection": "X-Private",
    "X-Private": "1",
    "Keep-Alive": "timeout=5",
    "TE": "trailers",
    "Trailer": "X-Late",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "Upgrade": "websocket",
}
END_TO_END = {"Authorization": "Bearer t", "Cookie": "a=b", "X-Forwarded-For": "10.0.0.1"}


@dataclass
class Listener:
    """In place of an instance: has no mark, answers all else with `{}`, and notes the heads."""

    url: str = ""
    heads: list[list[str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = dict(x.lower().split(": ", 1) for x in head.split("\r\n") if ": " in x)
                await reader.readexactly(int(fields.get("content-length", "0")))
                self.heads.append(head.strip().split("\r\n"))
                writer.write(UNKNOWN if "/log-mark " in head else QUIET)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def a_listener() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        server.close()


@asynccontextmanager
async def a_database(lab: ProcessLab, name: str) -> AsyncIterator[str]:
    admin = await asyncpg.connect(lab.urls()["postgres"])
    await admin.execute(f"create database {name}")
    try:
        yield lab.urls()["postgres"].rsplit("/", 1)[0] + f"/{name}"
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


async def test_no_header_of_a_client_is_passed_on_but_the_content_type(lab: ProcessLab) -> None:
    ports = PortReservations()
    port = ports.reserve()
    async with a_listener() as first, a_listener() as second, a_database(lab, "heads") as database:
        urls = {"PRIMARY_URL": first.url, "REPLICA_URL": second.url, "DATABASE_URL": database}
        async with (
            another_lb(environment(lab, PORT=str(port), **urls)),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):

            async def is_up() -> bool:
                return (await client.get("/status")).json()["healthy_instances"] == 2

            await eventually(is_up, "the listeners are taken for instances")
            headers = {**HOP_BY_HOP, **END_TO_END, "Content-Type": "application/json; x=1"}
            path = f"{DATABASE}/collections/3f2504e0-4f89-41d3-9a0c-0305e82c3301/get"
            assert (await client.post(path, content=b"{}", headers=headers)).status_code == 200
    ports.release()
    heads = [head for head in first.heads + second.heads if "/get " in head[0]]
    assert heads, "no instance was asked"
    for head in heads:  # Both are asked when the first one takes its time.
        names = {line.split(":")[0].lower() for line in head[1:]}
        assert names == {"host", "accept-encoding", "content-type", "content-length"}
        assert "Content-Type: application/json; x=1" in head

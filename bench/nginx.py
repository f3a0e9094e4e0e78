"""nginx, as the proxy to compare with and as a trivial upstream; a package of the system."""

import os
import shutil
from pathlib import Path

from bench.rig import Rig
from harness.labs.readiness import answers_ok, probe_client
from harness.labs.server_process import ServerCommand, ServerProcess

ABSENT = "nginx was not found; install the system's package, as in: apt-get install nginx-light"

COLLECTION_ID = "6f8f0a52-6a52-4f33-9a52-0c8f3f1d2b10"
COLLECTION_NAME = "trivial"
_DATABASE_ID = "00000000-0000-0000-0000-000000000000"
_COLLECTION = (
    f'{{"id":"{COLLECTION_ID}","name":"{COLLECTION_NAME}","metadata":null,"dimension":null,'
    '"tenant":"default_tenant","database":"default_database","version":0,"log_position":0,'
    '"configuration_json":{},"schema":null,"ids":["a"],"documents":["a short text"]}'
)
_DATABASES = f'[{{"id":"{_DATABASE_ID}","name":"default_database","tenant":"default_tenant"}}]'
_TENANT = "/api/v2/tenants/default_tenant/databases"

_FRAME = """\
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 100000000;
  client_body_temp_path {directory}/bodies;
  proxy_temp_path {directory}/proxied;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{inside}
}}
"""


def find_nginx() -> str | None:
    """Find nginx on the PATH, or where systems put it for administrators."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class NginxServer:
    """One nginx with one worker on 127.0.0.1; `inside` is what its `http` block holds."""

    def __init__(self, nginx: str, name: str, port: int, inside: str, rig: Rig) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        directory = rig.workspace.data_directory / name
        directory.mkdir()
        configuration = directory / "nginx.conf"
        configuration.write_text(_configuration(directory, inside))
        command = ServerCommand(
            name, (nginx, "-p", str(directory), "-e", "stderr", "-c", str(configuration))
        )
        self.process = ServerProcess(command, rig.workspace, rig.warden)

    async def start(self, timeout_seconds: float) -> None:
        """Start it and return when it answers."""
        async with probe_client() as client:

            async def ready() -> bool:
                return await answers_ok(client, f"{self.url}/api/v2/heartbeat")

            await self.process.start(ready, timeout_seconds)


def trivial_upstream(port: int) -> str:
    """Answer everything at once, so that a load balancer takes it for a Chroma server.

    It has one collection, and says of every new one that it is this.
    """
    return f"""\
  server {{
    listen 127.0.0.1:{port};
    location = {_TENANT} {{
      if ($request_method = GET) {{ return 200 '{_DATABASES}'; }}
      return 200 '{{}}';
    }}
    location = {_TENANT}/default_database/collections {{
      if ($request_method = GET) {{ return 200 '[{_COLLECTION}]'; }}
      return 200 '{_COLLECTION}';
    }}
    location / {{ return 200 '{_COLLECTION}'; }}
  }}"""


def proxy(port: int, upstream_ports: tuple[int, ...]) -> str:
    """Pass everything on, over connections that are kept."""
    servers = "".join(f"server 127.0.0.1:{each}; " for each in upstream_ports)
    return f"""\
  upstream instances {{ {servers}keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://instances;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}"""


def plain_proxy(port: int, upstream_ports: tuple[int, ...]) -> str:
    """Pass everything on as nginx does when nothing else is said: a new connection each time."""
    servers = "".join(f"server 127.0.0.1:{each}; " for each in upstream_ports)
    return f"""\
  upstream instances {{ {servers}}}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://instances; }}
  }}"""


def _configuration(directory: Path, inside: str) -> str:
    # Started by root, its worker would be a user who may not enter the data directory.
    user = "user root;" if os.geteuid() == 0 else ""
    return _FRAME.format(directory=directory, inside=inside, user=user)

"""One log line for each request, of any route, when it has been answered (`ACCESS_LOG`)."""

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from lb.proxy import TRANSACTION_HEADER, client_session


class AccessLogger(AbstractAccessLogger):
    """Logs what was asked and how it went; never a query or a header that may hold a secret."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line; `time` is in seconds. The bytes are those of the whole answer."""
        path = request.rel_url.raw_path
        fields = {
            "method": request.method,
            "path": path,
            "status": response.status,
            "milliseconds": round(time * 1000, 1),
            "bytes": response.body_length,
            "session": client_session(request),
        }
        if TRANSACTION_HEADER in response.headers:
            fields["transaction_id"] = response.headers[TRANSACTION_HEADER]
        self.logger.info("%s %s", request.method, path, extra=fields)

"""`/transactions`: clients learn what became of their writes (T2), and audits list them."""

import re
from datetime import datetime
from uuid import UUID

from aiohttp import web

from lb.endpoints import respond
from lb.errors import BadRequestError
from lb.proxy import Proxy, answering_errors
from lb.transaction_log import TransactionLog
from lb.transactions import TransactionState, Wanted

FILTERS = ("state", "collection", "session", "since", "limit")
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000


class TransactionEndpoints:
    """Handlers over the `TransactionLog` of the active load balancer."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def routes(self) -> list[web.RouteDef]:
        """Return what the application serves."""
        return [
            web.get("/transactions", answering_errors(self.list)),
            web.get("/transactions/{id:.+}", answering_errors(self.get)),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """Answer one transaction with its stored outcome."""
        log = await self._log()
        found = await log.find(request.match_info["id"])
        return respond(found.details())

    async def list(self, request: web.Request) -> web.Response:
        """Answer the transactions that the filters ask for, newest first."""
        query = plain_query(request)
        log = await self._log()
        wanted = await self._wanted(query, log)
        found = await log.list(wanted)
        return respond({"transactions": [each.summary() for each in found]})

    async def _log(self) -> TransactionLog:
        return (await self._proxy.active_service()).transactions

    @staticmethod
    async def _wanted(query: dict[str, str], log: TransactionLog) -> Wanted:
        limit, state, since = parse_limit(query), parse_state(query), parse_since(query)
        lane_ids: frozenset[UUID] | None = None
        if "collection" in query:
            lane_ids = await log.lanes_called(query["collection"])
        return Wanted(limit, state, lane_ids, query.get("session"), since)


def plain_query(request: web.Request) -> dict[str, str]:
    """Return the filters; raises `BadRequestError` for unknown, repeated or unstorable ones."""
    query = request.query
    unknown = sorted(set(query) - set(FILTERS))
    if unknown:
        raise BadRequestError(f"no filter {', '.join(unknown)}; there are: {', '.join(FILTERS)}")
    if len(set(query)) < len(query):
        raise BadRequestError("a filter may be given once")
    # PostgreSQL holds no NUL, and no lone surrogates, which stand for bytes that are not UTF-8.
    if any(re.search("[\0\ud800-\udfff]", value) for value in query.values()):
        raise BadRequestError("a filter must be plain text")
    return dict(query)


def parse_limit(query: dict[str, str]) -> int:
    """Read how many are asked for at most."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise BadRequestError(f"limit must be a number from 1 to {LARGEST_LIMIT}")
    return int(text)


def parse_state(query: dict[str, str]) -> TransactionState | None:
    """Read which state is asked for."""
    if "state" not in query:
        return None
    try:
        return TransactionState(query["state"])
    except ValueError as error:
        raise BadRequestError(f"state must be one of {', '.join(TransactionState)}") from error


def parse_since(query: dict[str, str]) -> datetime | None:
    """Read from when on, as ISO 8601; a time without an offset could mean several."""
    if "since" not in query:
        return None
    try:
        since = datetime.fromisoformat(query["since"])
    except ValueError as error:
        raise BadRequestError("since must be a time such as 2026-01-31T12:00:00Z") from error
    if since.tzinfo is None:
        raise BadRequestError("since needs an offset from UTC, such as 2026-01-31T12:00:00Z")
    return since

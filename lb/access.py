"""Who may ask for what: a token for administration, an optional one for everything else.

The decision is pure and rests on the route that was found, not on the text of the path, so that
no spelling of a path leads past it.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import ip_address

from aiohttp import web

from lb.errors import ForbiddenError, RequestError, UnauthorizedError
from lb.proxy import respond_error

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE_ROUTES = frozenset({"/", "/events", "/page/{file}"})
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""Headers of proxies: with one of them the peer's address is not the client's."""


class Area(Enum):
    """What a route belongs to."""

    OPEN = auto()
    """For everybody: a platform's health checks carry no token."""
    PAGE = auto()
    """For clients, and for people: a browser can send the token as a password.

    Only here, because a browser sends a password that it knows along with requests that other
    sites make it send. These routes change nothing.
    """
    CLIENT = auto()
    ADMIN = auto()


@dataclass(frozen=True)
class Access:
    """Decides by tokens. Without an admin token only local processes may administer.

    Its representation never shows a token.
    """

    admin_token: str = field(default="", repr=False)
    client_token: str = field(default="", repr=False)

    def check(self, area: Area, authorization: str, is_local: bool) -> None:
        """Return if the request is allowed; raises `UnauthorizedError` or `ForbiddenError`."""
        if area is Area.OPEN or (area is not Area.ADMIN and not self.client_token):
            return
        token = bearer_token(authorization)
        if area is Area.PAGE and not token:
            token = basic_password(authorization)
        is_admin, is_client = same(token, self.admin_token), same(token, self.client_token)
        if area is Area.ADMIN:
            self._check_admin(is_admin, is_client, is_local)
        elif not (is_client or is_admin):
            raise UnauthorizedError("send the client token as: Authorization: Bearer TOKEN")

    def _check_admin(self, is_admin: bool, is_client: bool, is_local: bool) -> None:
        if is_admin:
            return
        if not self.admin_token:
            if not is_local:
                raise ForbiddenError(
                    "administration is open to this machine only; set ADMIN_TOKEN to allow others"
                )
        elif is_client:
            raise ForbiddenError("the client token does not allow administration")
        else:
            raise UnauthorizedError("send the admin token as: Authorization: Bearer TOKEN")

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what is not allowed, before its handler sees it."""
        area = area_of(request)
        try:
            authorization = request.headers.get("Authorization", "")
            # Where a request comes from is only of interest for administration.
            self.check(area, authorization, area is Area.ADMIN and is_local(request))
        except RequestError as error:
            response = respond_error(error)
            if area is Area.PAGE and isinstance(error, UnauthorizedError):
                response.headers["WWW-Authenticate"] = 'Basic realm="chroma-lb", charset="UTF-8"'
            return response
        return await handler(request)


def area_of(request: web.Request) -> Area:
    """Tell what the request's route belongs to; what has no route is for clients."""
    resource = request.match_info.route.resource
    canonical = resource.canonical if resource is not None else ""
    if canonical == "/health":
        return Area.OPEN
    if canonical in PAGE_ROUTES:
        return Area.PAGE
    return Area.ADMIN if canonical.startswith("/admin") else Area.CLIENT


def is_local(request: web.Request) -> bool:
    """Tell whether the request comes from this machine, and not through a proxy on it."""
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def bearer_token(authorization: str) -> str:
    """Read the token out of the header; empty when it is not of this form."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic_password(authorization: str) -> str:
    """Read the password out of the header, whatever the name; empty when there is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeError, ValueError):
        return ""


def same(token: str, expected: str) -> bool:
    """Compare in constant time; an expected token that is not set equals nothing."""
    given = token.encode("utf-8", "surrogateescape")
    return bool(expected) and hmac.compare_digest(given, expected.encode())

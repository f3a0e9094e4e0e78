"""An open page, and all that should not happen on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Page, Request

from harness.errors import HarnessError
from tests.integration.lb.calls import eventually

PHONE, DESK = (390, 844), (1200, 900)


@dataclass
class Watched:
    """An open page, and all that should not happen on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)

    async def text(self, selector: str) -> str:
        """Read what a person reads there."""
        return await self.page.inner_text(selector)

    async def sees(
        self, selector: str, fits: Callable[[str], bool], what: str, timeout_seconds: float = 30
    ) -> None:
        """Wait until the text of an element fits. The page allows no script of a test's."""

        async def look() -> bool:
            return fits(await self.text(selector))

        try:
            await eventually(look, what, timeout_seconds)
        except HarnessError as error:
            raise AssertionError(f"{error}; the page says: {await self.text('body')}") from error

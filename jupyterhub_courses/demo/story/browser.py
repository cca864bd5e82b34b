"""A browser without a screen: cookies, redirects, forms that submit themselves, pages that wait for a server.

Promises: nothing is asked that a real browser at the same pages would not ask; no token is ever used.
"""

import asyncio
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from .steps import StoryFailed

LIMIT = aiohttp.ClientTimeout(total=300)  # an autograde answers when it is done
WAITING = ("/hub/spawn-pending/", "/opening")
WAIT_LIMIT = 180.0
MOST_FORMS = 10


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page as it was received, with its links (text, address) and forms."""

    url: str
    status: int
    text: str
    links: list[tuple[str, str]] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    submits_itself: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page, self._href, self._label, self._words = page, "", "", [""]
        self._form: Form | None = None
        self._script = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attributes}
        if tag == "a" and got.get("href"):
            self._href, self._words, self._label = got["href"], [], got.get("aria-label", "")
        elif tag == "form":
            self._form = Form(urljoin(self._page.url, got.get("action", "")), got.get("method", "get").lower())
            self._page.forms.append(self._form)
        elif tag in ("input", "button") and self._form is not None and got.get("name"):
            self._form.fields[got["name"]] = got.get("value", "")
        self._script = tag == "script"
        self._page.submits_itself |= tag == "body" and "submit()" in got.get("onload", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            name = self._label or " ".join("".join(self._words).split())
            self._page.links.append((name, urljoin(self._page.url, self._href)))
            self._href = ""
        elif tag == "form":
            self._form = None
        elif tag == "script":
            self._script = False

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        self._page.submits_itself |= self._script and ".submit(" in data and bool(self._page.forms)


class Browser:
    """One person's browser; close it."""

    def __init__(self, who: str) -> None:
        self.who = who
        self._session = aiohttp.ClientSession(
            # unsafe: the hub is addressed by a number (127.0.0.1)
            cookie_jar=aiohttp.CookieJar(unsafe=True, quote_cookie=False),
            timeout=LIMIT,
            headers={
                "Accept": "text/html,*/*",
                "Sec-Fetch-Dest": "document",  # as a browser says of what its window shows
                "User-Agent": "Mozilla/5.0 (story)",
            },
        )

    async def close(self) -> None:
        await self._session.close()

    async def click(self, url: str) -> Page:
        """Go to `url` and on, through redirects and forms that submit themselves, until a page stays."""
        page = await self._page("GET", url)
        for _ in range(MOST_FORMS):
            if not (page.submits_itself and page.forms):
                return await self._waited(page)
            form = page.forms[0]
            data = form.fields if form.method == "post" else None
            page = await self._page(form.method.upper(), form.action, data=data, origin=page.url)
        raise StoryFailed(f"{self.who}: forms that submit each other without end at {page.path}")

    async def _waited(self, page: Page) -> Page:
        """What the page's own script would do: look again until the server or the course is there."""
        deadline = time.monotonic() + WAIT_LIMIT
        while page.status == 200 and any(part in page.path for part in WAITING):
            if time.monotonic() > deadline:
                raise StoryFailed(f"{self.who}: still waiting at {page.path} after {WAIT_LIMIT:.0f} s")
            await asyncio.sleep(0.5)
            page = await self._page("GET", page.url)
        if page.status >= 400:
            raise StoryFailed(f"{self.who}: {page.path} answers {page.status}: {_visible(page.text)}")
        return page

    async def api(self, method: str, url: str, body: Any = None) -> Any:
        """What a page's script asks: JSON both ways, with the XSRF cookie in its header."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        token = self._session.cookie_jar.filter_cookies(URL(url)).get("_xsrf")
        if token is not None:
            headers["X-XSRFToken"] = token.value
        if method == "GET":
            del headers["Content-Type"]
        try:
            async with self._session.request(method, url, json=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    where = f"{method} {answer.url.path}"
                    raise StoryFailed(f"{self.who}: {where} answers {answer.status}: {_visible(text)}")
                return await answer.json(content_type=None) if text.strip() else None
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise StoryFailed(f"{self.who}: {method} {urlsplit(url).path}: {error!r}") from error

    async def _page(self, method: str, url: str, data: dict[str, str] | None = None, origin: str = "") -> Page:
        headers = {"Referer": origin} if origin else {}
        if method == "POST" and origin:
            parts = urlsplit(origin)
            headers["Origin"] = f"{parts.scheme}://{parts.netloc}"
        try:
            async with self._session.request(method, url, data=data, headers=headers, max_redirects=25) as answer:
                page = Page(str(answer.url), answer.status, await answer.text(errors="replace"))
        except (TimeoutError, aiohttp.ClientError) as error:
            raise StoryFailed(f"{self.who}: {urlsplit(url).path}: {error!r}") from error
        reader = _Reader(page)
        reader.feed(page.text)
        return page


def _visible(text: str) -> str:
    """The first words of a page, without its markup."""
    words: list[str] = []
    parser = HTMLParser()
    hidden = [0]

    def start(tag: str, attributes: object) -> None:
        hidden[0] += tag in ("script", "style", "head")

    def end(tag: str) -> None:
        hidden[0] -= tag in ("script", "style", "head")

    parser.handle_starttag = start  # type: ignore[method-assign]
    parser.handle_endtag = end  # type: ignore[method-assign]
    parser.handle_data = lambda data: words.append(data) if not hidden[0] else None  # type: ignore[method-assign]
    parser.feed(text)
    return " ".join(" ".join(words).split())[:400]

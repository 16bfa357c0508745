"""The console: a request below /console/ becomes a page, a static file or an error that is a page."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime
from time import perf_counter
from types import MappingProxyType

import msgspec

from chappe.client.hub_client import HubClient
from chappe.client.transport import Transport
from chappe.console import errors, session, static_files, templates
from chappe.console.exchange import HTML, Answered, Asked, Reply, Streaming
from chappe.console.guard import require_own_page
from chappe.console.links import name_of
from chappe.console.markdown import markdown
from chappe.console.near import NOWHERE, Near, near
from chappe.console.page import Handler, Page, See, Visit
from chappe.console.routes import NAV, ROUTES
from chappe.domain.errors import Ambiguous, ChappeError, NotAllowed, NotFound, Unavailable

SECURITY: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
        " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-robots-tag": "noindex",
    }
)
_VARIES = "accept, accept-encoding, authorization, cookie"
_WORTH_BYTES = 512
MARKDOWN = "text/markdown; charset=utf-8"
_log = logging.getLogger("chappe.console")


class Console:
    """Answers requests for pages; keeps nothing between them."""

    def __init__(self, now: Callable[[], datetime], version: str) -> None:
        self._now = now
        self._version = version

    async def answer(self, asked: Asked, transport: Transport, *, draining: bool) -> Reply:
        """Answer one request; `transport` leads to the API. `Server-Timing` tells how long it took."""
        began_s = perf_counter()
        reply = await self._answered(asked, transport, draining=draining)
        took_ms = 1000 * (perf_counter() - began_s)
        return replace(reply, headers={**reply.headers, "server-timing": f"page;dur={took_ms:.1f}"})

    async def _answered(self, asked: Asked, transport: Transport, *, draining: bool) -> Reply:
        try:
            return _secured(await self._answer(asked, transport, draining=draining))
        except ChappeError as error:
            failed = errors.page(error, await self._near(asked, error, transport))
        except Exception:  # noqa: BLE001  # the log has it, the reader a page
            _log.exception("page failed: /console/%s", asked.path)
            failed = errors.page(errors.OWN_MISTAKE)
        part = "main" if "part" in asked.query else None
        return _secured(self._whole(asked, failed, part=part))

    async def _answer(self, asked: Asked, transport: Transport, *, draining: bool) -> Reply:
        if asked.path is None:
            return _moved("console/", status=308)
        if asked.path.startswith("static/") and asked.method in ("GET", "HEAD"):
            return _static(asked)
        if draining:
            raise Unavailable("this node is shutting down; another one, or the next, answers soon")
        handler, params = _found(asked)
        if asked.method == "POST":
            require_own_page(asked)
        # Not closed: the transport is the caller's.
        hub = HubClient(transport=transport, always=session.credential(asked))
        made = await handler(Visit(asked, params, hub, self._now()))
        match made:
            case Page():
                part = asked.query.get("part")
                who = "" if part is not None else await session.who(asked, hub)
                return self._whole(asked, made, part=part, who=who)
            case See(path):
                return _moved(asked.to_root + path or "./", status=303)
            case Streaming() | Answered():
                return made

    async def _near(self, asked: Asked, error: ChappeError, transport: Transport) -> Near:
        """Where whoever came for something that there is not may want to go instead."""
        if not isinstance(error, NotFound | Ambiguous) or asked.path is None:
            return NOWHERE
        hub = HubClient(transport=transport, always=session.credential(asked))
        return await near(asked.path, error, hub)

    def _whole(self, asked: Asked, page: Page, *, part: str | None, who: str = "") -> Answered:
        """A page as HTML, as one of its parts, as Markdown, or as the JSON of its view."""
        form = _form(asked)
        if form == "json":
            view = asdict(page.view) if is_dataclass(page.view) else page.view  # type: ignore[arg-type]
            return _cached(asked, msgspec.json.encode(view), "application/json", page)
        values = {
            "view": page.view,
            "page": page,
            "nav": NAV,
            "who": who,
            "version": self._version,
            "query": asked.query,
            "hub_url": asked.hub_url,
            "here": f"/console/{asked.path or ''}",
            "exists": _exists,
        }
        whole = form == "md"
        body = templates.render(
            page.template,
            values,
            root=asked.to_root,
            now=self._now(),
            part=None if whole else part,
        )
        if whole:
            return _cached(asked, _in_markdown(asked, page, body), MARKDOWN, page)
        return _cached(asked, body, HTML, page)


def _found(asked: Asked) -> tuple[Handler, Mapping[str, str]]:
    """What answers there, and the path's parts, percent-decoded.

    Raises:
        NotFound: there is no such page.
        NotAllowed: it cannot be asked in that way.
        Malformed: a part is no UTF-8.
    """
    segments = (asked.path or "").split("/")
    for route in ROUTES:
        params = route.match(segments)
        if params is not None:
            handler = route.methods.get("GET" if asked.method == "HEAD" else asked.method)
            if handler is None:
                allow = [*route.methods, *(["HEAD"] if "GET" in route.methods else [])]
                raise NotAllowed(
                    f"method {asked.method} is none of /console/{route.path}", allow=allow
                )
            return handler, {name: name_of(sent) for name, sent in params.items()}
    raise NotFound(f"page /console/{asked.path}: there is none of that name")


def _exists(path: str) -> bool:
    """Whether a page of such a path is there."""
    return any(route.match(path.split("/")) is not None for route in ROUTES)


def _form(asked: Asked) -> str:
    """How the page is wanted: "html", "json" or "md"."""
    if asked.wants_json:
        return "json"
    wanted, accept = asked.query.get("format"), asked.headers.get("accept", "")
    if wanted is not None:
        return "md" if wanted == "md" else "html"
    return "md" if "text/markdown" in accept and "text/html" not in accept else "html"


def _in_markdown(asked: Asked, page: Page, whole: bytes) -> bytes:
    """What the page says, and the command that shows the same."""
    main = whole.decode().partition("<main")[2].rpartition("</main>")[0].partition(">")[2]
    text = markdown(main, f"{asked.hub_url}/console/{asked.path or ''}")
    if page.cli:
        text += f"\nIn the terminal:\n\n```sh\n{page.cli}\n```\n"
    return text.encode("utf-8", "replace")


def _static(asked: Asked) -> Answered:
    assert asked.path is not None
    name = asked.path.removeprefix("static/")
    # Under its own name for the login, which is a page of the API and knows no other.
    found = static_files.by_name().get(name) or static_files.by_source().get(name)
    if found is None:
        raise NotFound(f"file /console/{asked.path}: there is none; load the page again")
    headers = {
        "content-type": found.media_type,
        "cache-control": "public, max-age=31536000, immutable"
        if name == found.name
        else "public, max-age=60",
        "vary": "accept-encoding",
    }
    if _takes_gzip(asked):
        return Answered(200, found.gzipped, headers | {"content-encoding": "gzip"})
    return Answered(200, found.plain, headers)


def _cached(asked: Asked, body: bytes, media_type: str, page: Page) -> Answered:
    """With an ETag, and nothing but that where the reader has it already."""
    zipped = _takes_gzip(asked) and len(body) >= _WORTH_BYTES
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}{"-gz" if zipped else ""}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": _VARIES}
    if page.status == 200 and tag in asked.headers.get("if-none-match", ""):
        return Answered(304, b"", headers)
    headers |= page.headers
    headers["content-type"] = media_type
    if zipped:
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body, 5, mtime=0)
    return Answered(page.status, body, headers)


def _takes_gzip(asked: Asked) -> bool:
    for one in asked.headers.get("accept-encoding", "").split(","):
        coding, _, weight = one.strip().partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def _moved(to: str, *, status: int) -> Answered:
    return Answered(status, b"", {"location": to, "cache-control": "no-store"})


def _secured(reply: Reply) -> Reply:
    return replace(reply, headers={**SECURITY, **reply.headers})

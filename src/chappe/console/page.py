"""What a page is made of: who visits, what is shown, and the table's entries.

async def show(visit: Visit) -> Page:
    found = await visit.hub.trace(visit.params["reference"])
    return Page(template="event.html", title=found.id, view=EventView(...), nav="events")

ROUTES = (Route("events/{reference}", get=show),)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from chappe.client.hub_client import HubClient
from chappe.client.problems import error_of
from chappe.client.registry import RegistryClient
from chappe.console.exchange import Answered, Asked, Streaming


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a page: what was asked for, and the hub as its reader may use it."""

    asked: Asked
    params: Mapping[str, str]
    hub: HubClient
    now: datetime

    @property
    def query(self) -> Mapping[str, str]:
        """The page's parameters."""
        return self.asked.query

    @property
    def registry(self) -> RegistryClient:
        """The hub's registry."""
        return RegistryClient(self.hub)

    async def may(self, method: str, path: str) -> bool:
        """Whether the API would let the reader use a method at a path; what is refused is not offered.

        Raises:
            Unauthenticated: nobody knows who the reader is.
        """
        answer = await self.hub.exchange("OPTIONS", path, b"", {})
        if answer.status == 401:
            raise error_of(answer)
        return method in answer.headers.get("allow", "").split(", ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is shown: `view` is a frozen dataclass, which the template has as `view`.

    `nav` names the entry of the menu that the page belongs to; `cli` is the command that tells the
    same, `api` the path below the hub's root whose JSON it was made of.
    """

    template: str
    title: str
    view: object
    nav: str = ""
    cli: str = ""
    api: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class See:
    """Done; the browser goes on to a page, named as a path below /console/."""

    path: str


Handler: TypeAlias = Callable[[Visit], Awaitable[Page | See | Streaming | Answered]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nav:
    """One entry of the menu; `key` is what a reader types after g."""

    name: str
    path: str
    label: str
    key: str


class Route:
    """A path below /console/, whose `{parts}` fit any name, and what answers there."""

    def __init__(
        self, path: str, *, get: Handler | None = None, post: Handler | None = None
    ) -> None:
        self.path = path
        self.template = path.split("/")
        self.methods = {
            method: handler
            for method, handler in (("GET", get), ("POST", post))
            if handler is not None
        }

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The parts by name, as they were sent; None: it is another path."""
        if len(segments) != len(self.template):
            return None
        found: dict[str, str] = {}
        for part, sent in zip(self.template, segments, strict=True):
            if part.startswith("{"):
                if not sent:
                    return None
                found[part[1:-1]] = sent
            elif part != sent:
                return None
        return found

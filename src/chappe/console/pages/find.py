"""Find: which events there are, who sends them, and who takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chappe.console.page import Page, Route, Visit


class TypeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One type, as GET /channels/{channel}/types tells of it."""

    type: str
    declared: Sequence[str] = ()
    events: int = 0
    lastseen: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What is shown."""

    words: str
    types: Sequence[TypeSeen]


async def show(visit: Visit) -> Page:
    """The home of the console."""
    words = visit.query.get("q", "")
    answer = await visit.hub.read("/channels/default/types")
    types = [
        one
        for one in msgspec.json.decode(answer.body, type=list[TypeSeen])
        if all(word in one.type.casefold() for word in words.casefold().split())
    ]
    return Page(
        template="find.html",
        title="Find",
        view=Found(words, types),
        nav="find",
        cli=f"chappe find {words}".strip(),
        api="channels/default/types",
    )


ROUTES = (Route("", get=show),)

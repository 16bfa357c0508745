"""A type's tab *Docs*: what people wrote about it, as Markdown of which only harmless parts are drawn."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from chappe.client.registry import joined, object_of
from chappe.console.page import Page, Route, Visit
from chappe.console.prose import prose
from chappe.console.type_head import Head, type_head
from chappe.domain.errors import CallerError


@dataclass(frozen=True, slots=True)
class Text:
    """One description: of what, its Markdown, and that as safe HTML."""

    of: str
    xid: str
    markdown: str
    html: str


@dataclass(frozen=True, slots=True)
class TypeDocs:
    """What is shown; `elsewhere` are documents that the declarations name."""

    head: Head
    texts: Sequence[Text]
    elsewhere: Sequence[tuple[str, str]]


async def show(visit: Visit) -> Page:
    """The descriptions of the type, its group and its schema."""
    head, declared = await type_head(visit, "docs")
    entities = [("The type", head.found.declared[0] if declared else "", declared)]
    for label, xid in (
        ("Its group", "/".join(head.found.declared[0].split("/")[:3]) if declared else ""),
        ("Its schema", str(declared.get("dataschemaxid") or "")),
    ):
        if xid:
            details = "$details" if label == "Its schema" else ""
            try:
                answer = await visit.registry.get(joined(*xid.split("/")[1:]) + details)
            except CallerError:
                continue  # the message names what is not there
            entities.append((label, xid, object_of(answer)))
    texts: list[Text] = []
    elsewhere: list[tuple[str, str]] = []
    for label, xid, one in entities:
        said, document = one.get("description"), one.get("documentation")
        if isinstance(said, str) and said.strip():
            texts.append(Text(label, xid, said, prose(said)))
        if isinstance(document, str) and document:
            elsewhere.append((label, document))
    return Page(
        template="type_docs.html",
        title=f"Docs of {head.found.type}",
        view=TypeDocs(head, texts, elsewhere),
        nav="find",
        cli=f"chappe type get {shlex.quote(head.found.type)} -o json" if declared else "",
        api=head.found.declared[0][1:] if declared else "",
    )


ROUTES = (Route("types/{type}/docs", get=show),)

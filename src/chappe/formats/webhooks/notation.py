"""How a user says where an event's attributes stand in a webhook.

    {"type": "com.example.{body./event}",       header.NAME    a header field
     "id": "{header.x-request-id|sha256}",      query.NAME     a parameter of the query
     "source": "/shops/{query.shop}",           body./a/b      a JSON pointer; of a form /field
     "time": "{body./created}"}                 sha256         the body's hash, in hex
                                                uuid           a new id
    {a|b|'text'}: the first that is there       now            the time of receipt
    {{ and }}: a brace                          source         the id of the hub's source

A name or pointer holds no `{`, `}` or `|`. Where nothing of a place is there, the attribute is left
out; `id`, `source` and `type` must then not be mapped so: the webhook is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from chappe.domain import attributes
from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import Event
from chappe.formats.fields import shortened
from chappe.formats.webhooks.webhook import Webhook, event_of, required, text_of, time_of

Place: TypeAlias = Callable[[Webhook], object]
"""What stands at a place of a webhook; None: nothing."""

MOST_TEMPLATE: Final = 1_024
"""Characters of one template."""

_PIECES = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<places>[^{}]*)\}|(?P<text>[^{}]+)|(?P<bad>[{}])")
_HEADER = re.compile(r"[!#$%&'*+\-.^_`~0-9A-Za-z]+", re.ASCII)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_FIXED: Final[Mapping[str, Place]] = {
    "sha256": lambda webhook: sha256(webhook.body).hexdigest(),
    "uuid": lambda webhook: webhook.fresh_id,
    "now": lambda webhook: webhook.received,
    "source": lambda webhook: webhook.source,
}
_NEVER: Final = frozenset({"specversion", "data", "data_base64"})
_DEFAULTS: Final = {"id": "{sha256}", "source": "/sources/{source}", "time": "{now}"}
_REQUIRED: Final = ("id", "source", "type")


@dataclass(frozen=True, slots=True)
class Template:
    """Text, and between it places, each with what else may stand for it."""

    text: str
    pieces: tuple[str | tuple[Place, ...], ...]

    def fill(self, webhook: Webhook) -> str | None:
        """The text for this webhook; None where a place has nothing at all."""
        filled: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                filled.append(piece)
                continue
            found = next((text for place in piece if (text := text_of(place(webhook)))), None)
            if found is None:
                return None
            filled.append(found)
        return "".join(filled)

    def time(self, webhook: Webhook) -> str | None:
        """As a time: a number counts seconds, or milliseconds, since 1970; None where it is none."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], tuple):
            found = (time_of(place(webhook)) for place in self.pieces[0])
            return next((one for one in found if one is not None), None)
        return time_of(self.fill(webhook))


Mapped: TypeAlias = Mapping[str, Template]
"""The templates of an event's attributes."""


def read_mapping(given: Mapping[str, object], path: str) -> Mapped:
    """The templates of {"type": "com.example.{body./event}", …}.

    Raises:
        Malformed: a name is no attribute's, or a template is none; the message begins with its path.
    """
    mapped: dict[str, Template] = {}
    for name, text in given.items():
        at = f"{path}/{name}"
        if name in _NEVER:
            raise Malformed(f"{at}: is not for a mapping to set; the data is the body, as it is")
        try:
            attributes.check_name(name)
        except ChappeError as exc:
            raise Malformed(f"{at}: {exc.message}") from exc
        if not isinstance(text, str) or not text:
            raise Malformed(f"{at}: {shortened(text)} was sent, a template is needed")
        mapped[name] = read_template(text, at)
    return mapped


def read_template(text: str, path: str) -> Template:
    """One template.

    Raises:
        Malformed: it is none.
    """
    if len(text) > MOST_TEMPLATE:
        raise Malformed(
            f"{path}: {len(text)} characters; at most {MOST_TEMPLATE} are possible in a template"
        )
    pieces: list[str | tuple[Place, ...]] = []
    for found in _PIECES.finditer(text):
        match found.lastgroup:
            case "brace":
                pieces.append(found[0][0])
            case "places":
                places = found["places"].split("|")
                pieces.append(tuple(_place(one.strip(), path) for one in places))
            case "text":
                pieces.append(found[0])
            case _:
                raise Malformed(
                    f"{path}: {shortened(text)} has a {found[0]!r} alone at {found.start()};"
                    " {{ and }} stand for braces"
                )
    return Template(text, tuple(pieces))


def mapped_event(webhook: Webhook, mapped: Mapped, *, datacontenttype: str | None = None) -> Event:
    """The event of a webhook: what the templates give, and the body.

    Raises:
        Malformed, InvalidEvent: a required attribute finds nothing, or a value breaks a rule.
    """
    values: dict[str, str | None] = {}
    for name, template in {**DEFAULTS, **mapped}.items():
        value = template.time(webhook) if name == "time" else template.fill(webhook)
        values[name] = value
        if name in _REQUIRED:
            required(value, name, template.text)
    required(values.get("type"), "type", "any place: the mapping has no template for it")
    if values["time"] is None:
        values["time"] = webhook.received
    return event_of(webhook, values, datacontenttype=datacontenttype)


def _place(text: str, path: str) -> Place:
    fixed = _FIXED.get(text)
    if fixed is not None:
        return fixed
    if len(text) >= 2 and text[0] == text[-1] == "'":
        constant = text[1:-1]
        return lambda webhook: constant
    kind, dot, name = text.partition(".")
    if dot and kind == "header" and _HEADER.fullmatch(name):
        field = name.lower()
        return lambda webhook: webhook.headers.get(field)
    if dot and kind == "query" and name:
        return lambda webhook: webhook.query.get(name)
    if dot and kind == "body" and _POINTER.fullmatch(name):
        return lambda webhook: webhook.at(name)
    known = "header.NAME, query.NAME, body./POINTER, sha256, uuid, now, source, 'text'"
    raise Malformed(f"{path}: {shortened(text)} is no place in a webhook; known: {known}")


DEFAULTS: Final[Mapped] = read_mapping(_DEFAULTS, "defaults")
"""What stands for `id`, `source` and `time` where a mapping says nothing of them."""

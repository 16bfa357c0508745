"""HTML out of values: every text is escaped, so nothing that a document holds becomes markup.

element("a", "x < y", href="/a?b&c")   ->   <a href="/a?b&amp;c">x &lt; y</a>
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Html:
    """What is markup already, because this module made it."""

    text: str


Content: TypeAlias = Html | str | Iterable["Html | str"]


def element(tag: str, *contents: Content, **attributes: str | bool | None) -> Html:
    """An element; `class_` stands for class, True for an attribute without a value."""
    inner = "".join(_inner(one) for one in contents)
    return Html(f"<{tag}{_attributes(attributes)}>{inner}</{tag}>")


def void(tag: str, **attributes: str | bool | None) -> Html:
    """An element that has no content, such as meta."""
    return Html(f"<{tag}{_attributes(attributes)}>")


def page(*contents: Html) -> bytes:
    """A whole document."""
    return ("<!doctype html>\n" + "".join(one.text for one in contents)).encode("utf-8", "replace")


def _inner(content: Content) -> str:
    match content:
        case Html():
            return content.text
        case str():
            return escape(content, quote=False)
        case _:
            return "".join(map(_inner, content))


def _attributes(attributes: dict[str, str | bool | None]) -> str:
    made = ""
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        shown = name.rstrip("_").replace("_", "-")
        made += f" {shown}" if value is True else f' {shown}="{escape(str(value))}"'
    return made

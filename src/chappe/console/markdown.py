"""A page as Markdown: the same words for those who read text, such as an assistant.

    <h1>Map</h1><p>Of <a href="types/a">a</a></p>  ->  # Map
                                                       Of [a](https://hub.example/console/types/a)

What is made is made of the page's own HTML, so that both always say the same. What a page has for eyes
and hands alone (pictures, glyphs, buttons, fields) is left out; times are absolute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, TypeAlias
from urllib.parse import urljoin

from typing_extensions import override

_VOID: Final = frozenset({"br", "hr", "img", "input", "col", "link", "meta", "wbr"})
_LEFT_OUT: Final = frozenset(
    {"svg", "button", "input", "select", "textarea", "label", "noscript", "script", "colgroup"}
)
_BLOCKS: Final = frozenset(
    "address article aside blockquote dd details div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav"
    " ol p pre section summary table ul".split()
)
_MEANS: Final = re.compile(r"([\\`*_\[\]<>|#~])")
_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "ins": "**"}


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    children: list[_Node] = field(default_factory=list)

    @property
    def is_left_out(self) -> bool:
        given = self.attributes
        return self.tag in _LEFT_OUT or given.get("aria-hidden") == "true" or "hidden" in given


_Node: TypeAlias = "_Element | str"


def markdown(html: str, base: str) -> str:
    """Well-formed HTML as Markdown; its links begin at the URL `base`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n\n".join(_Writer(base).blocks(reader.root.children)) + "\n"


class _Reader(HTMLParser):
    """From the text to its elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("main")
        self._open = [self.root]

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = _Element(tag, dict(attrs))
        self._open[-1].children.append(made)
        if tag not in _VOID:
            self._open.append(made)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(_Element(tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        if len(self._open) > 1 and self._open[-1].tag == tag:
            self._open.pop()

    @override
    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


class _Writer:
    def __init__(self, base: str) -> None:
        self._base = base

    def blocks(self, nodes: Iterable[_Node]) -> Iterator[str]:
        """Paragraphs, lists, tables; what stands between them loose is a paragraph."""
        loose: list[_Node] = []
        for node in nodes:
            if isinstance(node, str) or node.tag not in _BLOCKS:
                loose.append(node)
                continue
            yield from _some(self.inline(loose))
            loose = []
            if not node.is_left_out:
                yield from self._block(node)
        yield from _some(self.inline(loose))

    def _block(self, node: _Element) -> Iterator[str]:
        match node.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                text = self.inline(node.children)
                yield from (f"{'#' * int(node.tag[1])} {one}" for one in _some(text))
            case "p":
                yield from _some(self.inline(node.children))
            case "summary":
                yield from (f"**{one}**" for one in _some(self.inline(node.children)))
            case "pre":
                yield _fenced(_text(node))
            case "ul" | "ol":
                yield from _some("\n".join(self._items(node, 0)))
            case "dl":
                yield from _some("\n".join(self._terms(node)))
            case "table":
                yield from _some(self._table(node))
            case "blockquote":
                inner = "\n\n".join(self.blocks(node.children))
                yield "\n".join(f"> {line}" for line in inner.splitlines())
            case "hr":
                yield "---"
            case _:
                yield from self.blocks(node.children)

    def inline(self, nodes: Iterable[_Node]) -> str:
        """Text on one line, with its links."""
        return _SPACE.sub(" ", "".join(self._inline(nodes))).strip()

    def _inline(self, nodes: Iterable[_Node]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, str):
                yield _MEANS.sub(r"\\\1", node)
            elif node.is_left_out:
                continue
            elif node.tag == "time":
                yield node.attributes.get("datetime") or self.inline(node.children)
            elif node.tag == "code":
                yield _code(_text(node))
            elif node.tag == "a":
                text, href = self.inline(node.children), node.attributes.get("href")
                yield f"[{text}](<{self._url(href)}>)" if href and text else text
            elif node.tag in ("br", "pre") or node.tag in _BLOCKS:
                yield f" {self.inline(node.children)} "
            else:
                mark = _MARKS.get(node.tag, "")
                yield (
                    f"{mark}{text}{mark}"
                    if mark and (text := self.inline(node.children))
                    else ("".join(self._inline(node.children)))
                )

    def _url(self, href: str) -> str:
        return urljoin(self._base, href).replace("<", "%3C").replace(">", "%3E")

    def _items(self, list_: _Element, depth: int) -> Iterator[str]:
        for item in _elements(list_, "li"):
            said, lists = _parted(item)
            yield f"{'  ' * depth}- {self.inline(said)}"
            for one in lists:
                yield from self._items(one, depth + 1)

    def _terms(self, list_: _Element) -> Iterator[str]:
        term = ""
        for node in list_.children:
            if isinstance(node, _Element) and node.tag == "dt":
                term = self.inline(node.children)
            elif isinstance(node, _Element) and node.tag == "dd":
                yield f"- **{term}**: {self.inline(node.children)}"

    def _table(self, table: _Element) -> str:
        rows = [
            [self.inline(cell.children) for cell in row.children if isinstance(cell, _Element)]
            for part in table.children
            if isinstance(part, _Element)
            for row in _elements(part, "tr")
        ]
        wide = max(map(len, rows), default=0)
        lines = ["| " + " | ".join([*row, *[""] * (wide - len(row))]) + " |" for row in rows]
        return "\n".join([*lines[:1], "|" + "---|" * wide, *lines[1:]]) if lines else ""


def _parted(item: _Element) -> tuple[list[_Node], list[_Element]]:
    """What an item says, and the lists in it, also where it can be folded."""
    said: list[_Node] = []
    lists: list[_Element] = []
    for node in item.children:
        if isinstance(node, _Element) and node.tag in ("ul", "ol"):
            lists.append(node)
        elif isinstance(node, _Element) and node.tag == "details":
            more, inner = _parted(node)
            said += more
            lists += inner
        else:
            said.append(node)
    return said, lists


def _elements(of: _Element, tag: str) -> Iterator[_Element]:
    return (one for one in of.children if isinstance(one, _Element) and one.tag == tag)


def _text(node: _Node) -> str:
    if isinstance(node, str):
        return node
    return "".join(
        _text(one) for one in node.children if isinstance(one, str) or not one.is_left_out
    )


def _code(text: str) -> str:
    fence = "`" * (_longest(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    # A bar would end a cell, and code knows no other way to write one.
    one_line = _SPACE.sub(" ", text).replace("|", "\\|")
    return f"{fence}{space}{one_line}{space}{fence}" if text else ""


def _fenced(text: str) -> str:
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def _longest(text: str) -> int:
    """The most backticks in a row."""
    return max((len(one) for one in re.findall(r"`+", text)), default=0)


def _some(text: str) -> Iterator[str]:
    if text:
        yield text

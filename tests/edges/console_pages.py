"""Reading the console's pages as a strict browser would: what is open, what is linked, what is inline."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urldefrag, urljoin

from typing_extensions import override

VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
SVG: Final = frozenset({"path", "circle", "line", "rect"})


@dataclass
class Read:
    """What a page holds; `faults` is what no page may."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.read = Read()
        self._open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        given = dict(attrs)
        if len(names) != len(set(names)):
            self.read.faults.append(f"<{tag}> has an attribute twice: {names}")
        for name in names:
            if name == "style" or name.startswith("on") or not name.isascii():
                self.read.faults.append(f"<{tag} {name}>")
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.read.faults.append(f"inline <{tag}>")
        for name in ("href", "src", "action"):
            value = given.get(name)
            if value is not None:
                if value.strip().casefold().startswith(("javascript:", "data:", "//")):
                    self.read.faults.append(f"<{tag} {name}={value!r}>")
                (self.read.links if tag in ("a", "form") else self.read.loaded).append(value)
        if "id" in given:
            self.read.ids.append(given["id"] or "")
        if tag not in VOID:
            self._open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SVG:
            self.read.faults.append(f"<{tag}/> is no void element")

    @override
    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.read.faults.append(f"</{tag}> closes {self._open[-3:]}")
        else:
            self._open.pop()

    @override
    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.read.text.append(data)

    def finished(self) -> Read:
        self.close()
        if self._open:
            self.read.faults.append(f"left open: {self._open}")
        if len(self.read.ids) != len(set(self.read.ids)):
            self.read.faults.append(f"an id stands twice: {sorted(self.read.ids)}")
        return self.read


def read_page(body: bytes) -> Read:
    """What a page, or a part of one, holds."""
    reader = _Reader()
    reader.feed(body.decode("utf-8"))
    return reader.finished()


def internal(page: str, links: list[str]) -> set[str]:
    """Paths with queries that links of a page at a path lead to, without those to other hosts."""
    found = {urldefrag(urljoin(f"http://hub{page}", link)).url for link in links}
    return {one.removeprefix("http://hub") for one in found if one.startswith("http://hub/")}

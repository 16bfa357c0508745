"""Payloads against a compiled schema: one fast pass for all, a second one for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from lxml import etree

from chappe.formats.fields import shortened
from chappe.formats.schema_language import Violation
from chappe.formats.xsd.effort import LIGHT, Effort
from chappe.formats.xsd.xml_text import Element, NotXml, parser, read_xml, safe_bytes

MAX_VIOLATIONS: Final = 100

# libxml2 counts an element's siblings for the place of each error: 16,000 errors take 6 s. A payload
# with more elements and attributes than this is told its first error only.
_MANY_NODES: Final = 1_000
_CHUNK: Final = 4_096
_XML_TYPE = re.compile(
    r"\s*(?:application/xml|text/xml|[^/;\s]+/[^/;\s]+\+xml)\s*(?:;.*)?", re.I | re.S
)
_ATTRIBUTE = re.compile(r"attribute '([^']{1,200})'")
_QUOTED = re.compile(r": '(.*)' is not (?:a valid|an element)", re.S)
_STEP = re.compile(r"([^/\[\]]+)(?:\[(\d+)\])?")
_CODE = re.compile(r"SCHEMAV_(CVC_[A-Z_]*?[A-Z])((?:_\d+)*)")
# What libxml2 calls by names of its own, by the constraint's name in XSD 1.0 part 1.
_RULES: Final = {
    "SCHEMAV_ELEMENT_CONTENT": "cvc-complex-type.2.4",
    "SCHEMAV_NOROLLBACK": "cvc-elt",
    "SCHEMAV_CVC_IDC": "cvc-identity-constraint",
}


def is_xml_type(content_type: str | None) -> bool:
    """Whether data of that type is XML; data without a type is JSON (spec.md 3.1.2)."""
    return content_type is not None and _XML_TYPE.fullmatch(content_type) is not None


class Payloads:
    """Checks payloads with one compiled schema."""

    def __init__(self, schema: etree.XMLSchema, effort: Effort) -> None:
        self._schema = schema
        self._effort = effort
        self._is_light = effort.heaviest <= LIGHT and not effort.scopes
        self._parser = parser(schema=schema)

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with the payload; empty when it is valid. Never raises."""
        if data is None:
            return (Violation("", "data", "", "the event has no data, its type declares a schema"),)
        if not is_xml_type(content_type):
            return (
                Violation(
                    "",
                    "datacontenttype",
                    shortened(content_type) if content_type is not None else "",
                    "the data is not XML, its type declares an XML Schema",
                ),
            )
        try:
            safe = safe_bytes(data)
            if not self._is_light:
                refusal = self._effort.refusal(safe, read_xml(safe))
                if refusal is not None:
                    return (_unchecked(refusal),)
            root = etree.fromstring(safe, self._parser)
            if not root.getroottree().docinfo.doctype:
                return ()
        except NotXml as exc:
            return (_not_xml(str(exc)),)
        except (etree.LxmlError, ValueError):
            pass
        return self._violations(data)

    def _violations(self, data: bytes) -> Sequence[Violation]:
        try:
            root = read_xml(data)
        except NotXml as exc:
            return (_not_xml(str(exc)),)
        safe = safe_bytes(data)
        try:
            if safe.count(b"<") + safe.count(b"=") > _MANY_NODES:
                return (self._first(safe),)
            if self._schema.validate(root):
                return (_unchecked("the checker contradicts itself"),)
        except etree.XMLSchemaValidateError as exc:
            return (_unchecked(str(exc)),)
        entries = islice(self._schema.error_log, MAX_VIOLATIONS)
        found = [_violation(root, entry) for entry in entries]
        return found or (_unchecked("no reason is known"),)

    def _first(self, data: bytes) -> Violation:
        """The first error of a large payload, found by parsing tag after tag."""
        whole = self._fed(data, _chunks(0, len(data), _CHUNK))
        if whole is None:
            return _unchecked("no reason is known")
        end = min(whole[0] + _CHUNK, len(data))
        tags = (at + 1 for at in _ends_of_tags(data, whole[0], end))
        found = self._fed(data, iter((0, whole[0], *tags, len(data)))) or whole
        return found[1]

    def _fed(self, data: bytes, cuts: Iterator[int]) -> tuple[int, Violation] | None:
        """Parse piece by piece until the first error: where its piece begins, and what it is."""
        pull = etree.XMLPullParser(
            events=("start", "end"),
            schema=self._schema,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        open_: list[Element] = []
        before = next(cuts)
        try:
            for cut in cuts:
                pull.feed(data[before:cut])
                log = pull.feed_error_log
                closed: Element | None = None
                for event, node in pull.read_events():
                    if event == "start":
                        open_.append(node)
                    else:
                        closed = open_.pop()
                if len(log):
                    at = closed if closed is not None else (open_[-1] if open_ else None)
                    return before, _located(at, log[0])
                before = cut
            pull.close()
        except (etree.LxmlError, ValueError):
            log = pull.feed_error_log
            if len(log):
                return before, _located(open_[-1] if open_ else None, log[0])
        return None


def _chunks(start: int, end: int, size: int) -> Iterator[int]:
    yield from range(start, end, size)
    yield end


def _ends_of_tags(data: bytes, start: int, end: int) -> Iterator[int]:
    at = data.find(b">", start, end)
    while at >= 0:
        yield at
        at = data.find(b">", at + 1, end)


def _violation(root: Element, entry: etree._LogEntry) -> Violation:
    return _located(_node_at(root, entry.path), entry)


def _located(node: Element | None, entry: etree._LogEntry) -> Violation:
    message = entry.message.strip()
    pointer = pointer_to(node) if node is not None else ""
    named = _ATTRIBUTE.search(message)
    value = ""
    if named is not None:
        name = named[1]
        pointer += f"/@{name.rpartition('}')[2]}"
        value = (node.get(name) or "") if node is not None else ""
    elif node is not None and len(node) == 0:
        value = node.text or ""
    quoted = _QUOTED.search(message)
    if not value and quoted is not None:
        value = quoted[1]
    return Violation(
        pointer,
        _rule(entry.type_name),
        shortened(value) if value else "",
        message if len(message) <= 300 else f"{message[:297]}…",
    )


def _rule(name: str) -> str:
    """Such as "SCHEMAV_CVC_DATATYPE_VALID_1_2_1" -> "cvc-datatype-valid.1.2.1"."""
    if name in _RULES:
        return _RULES[name]
    found = _CODE.fullmatch(name)
    if found is None:
        return name.removeprefix("SCHEMAV_").lower().replace("_", "-")
    return found[1].lower().replace("_", "-") + found[2].replace("_", ".")


def pointer_to(node: Element) -> str:
    """Where an element stands: "/order/line[2]"; numbers where siblings have its name."""
    steps: list[str] = []
    at: Element | None = node
    while at is not None:
        name = str(at.tag).rpartition("}")[2]
        parent = at.getparent()
        if parent is not None:
            tag = str(at.tag)
            before = len(list(at.itersiblings(tag, preceding=True)))
            if before or next(at.itersiblings(tag), None) is not None:
                name += f"[{before + 1}]"
        steps.append(name)
        at = parent
    return "/" + "/".join(reversed(steps))


def _node_at(root: Element, path: str | None) -> Element | None:
    """The element of libxml2's path, such as "/s:order/*[2]": names with prefixes, or any element."""
    if not path:
        return None
    steps = _STEP.findall(path)
    at: Element | None = root
    for name, number in steps[1:]:
        assert at is not None
        wanted = int(number or 1)
        at = next(_nth(at, name, wanted), None)
        if at is None:
            return None
    return at


def _nth(parent: Element, name: str, wanted: int) -> Iterator[Element]:
    for child in parent:
        if not isinstance(child.tag, str):
            continue
        last = child.tag.rpartition("}")[2]
        if name == "*" or name == (f"{child.prefix}:{last}" if child.prefix else last):
            wanted -= 1
            if wanted == 0:
                yield child


def _not_xml(message: str) -> Violation:
    return Violation("", "xml", "", message)


def _unchecked(message: str) -> Violation:
    return Violation("", "xml", "", f"cannot be checked: {message}")

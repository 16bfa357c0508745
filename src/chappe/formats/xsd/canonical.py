"""One text for all spellings of a schema: exclusive C14N, without comments and idle white space.

Prefixes that names in attributes use (`type="s:int"`) are kept where they are declared, for exclusive
C14N alone would drop them.
"""

from __future__ import annotations

import copy
from typing import Final

from lxml import etree

from chappe.formats.xsd.components import XS
from chappe.formats.xsd.xml_text import Element, read_xml

_P: Final = f"{{{XS}}}"
_TEXT: Final = (f"{_P}documentation", f"{_P}appinfo")
_ANNOTATION: Final = f"{_P}annotation"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
# Attributes whose white space is part of the value; all others are names, numbers or lists of them.
_VERBATIM: Final = ("value", "default", "fixed")
_QNAMES: Final = ("type", "ref", "base", "itemType", "memberTypes", "refer", "substitutionGroup")
_DEFAULTS: Final = {
    "minOccurs": "1",
    "maxOccurs": "1",
    "use": "optional",
    "nillable": "false",
    "abstract": "false",
    "mixed": "false",
    "processContents": "strict",
    "elementFormDefault": "unqualified",
    "attributeFormDefault": "unqualified",
    "blockDefault": "",
    "finalDefault": "",
}


def canonical(root: Element) -> str:
    """The document in exclusive C14N, without comments, instructions and idle white space."""
    own = _bare(root)
    return _written(own, _used_prefixes(own))


def normalized(root: Element) -> str:
    """One text also for schemas that differ in prefixes, annotations, said defaults and global order."""
    own = _bare(root)
    for annotation in list(own.iter(_ANNOTATION)):
        parent = annotation.getparent()
        if parent is not None:
            parent.remove(annotation)
    for node in own.iter(f"{_P}*"):
        for key, default in _DEFAULTS.items():
            if node.get(key) == default:
                del node.attrib[key]
        for key in [each for each in node.attrib if each.startswith((_XSI, "id"))]:
            if key == "id" or key.startswith(_XSI):
                del node.attrib[key]
    renamed = _renamed(own)
    head = [each for each in renamed if each.tag in _LINKS]
    rest = [each for each in renamed if each.tag not in _LINKS]
    head.sort(
        key=lambda each: (str(each.tag), each.get("namespace", ""), each.get("schemaLocation", ""))
    )
    rest.sort(key=lambda each: (str(each.tag), each.get("name", "")))
    renamed[:] = [*head, *rest]
    # libxml2 leaves out prefixes of a tree that was never a text.
    again = read_xml(etree.tostring(renamed))
    return _written(again, sorted(filter(None, again.nsmap)))


_LINKS: Final = (f"{_P}include", f"{_P}import")


def _bare(root: Element) -> Element:
    own = copy.deepcopy(root)
    for node in list(own.iter(etree.Comment, etree.ProcessingInstruction)):
        _remove(node)
    for node in own.iter(f"{_P}*"):
        in_text = node.tag in _TEXT
        if not in_text:
            node.text = None if node.text is None or not node.text.strip() else node.text
            for child in node:
                child.tail = None if child.tail is None or not child.tail.strip() else child.tail
        for key, value in node.attrib.items():
            if key not in _VERBATIM:
                spaced = " ".join(value.split())
                if spaced != value:
                    node.set(key, spaced)
    own.tail = None
    return own


def _remove(node: Element) -> None:
    """Take a comment out and leave the text after it where it is."""
    parent = node.getparent()
    if parent is None:
        return
    before = node.getprevious()
    if node.tail:
        if before is not None:
            before.tail = (before.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
    parent.remove(node)


def _used_prefixes(root: Element) -> list[str]:
    found: set[str] = set()
    for node in root.iter(f"{_P}*"):
        for key in _QNAMES:
            for name in (node.get(key) or "").split():
                prefix, colon, _ = name.rpartition(":")
                found.add(prefix if colon else "#default")
        if path := node.get("xpath"):
            found.update(_prefixes_in(path))
    return sorted(found)


def _prefixes_in(path: str) -> set[str]:
    """The prefixes of an XPath of an identity constraint: ".//s:line/@s:no" -> {"s"}."""
    steps = path.replace("|", "/").replace("@", "/").replace("::", "/").split("/")
    return {step.rpartition(":")[0].strip() for step in steps if ":" in step}


def _renamed(root: Element) -> Element:
    """The tree with prefixes of its own: "xs" for XML Schema, n0, n1 … for the others in order."""
    uris: set[str] = set()
    for node in root.iter(f"{_P}*"):
        for key in (*_QNAMES, "xpath"):
            for prefix in _named_in(node, key):
                uri = node.nsmap.get(prefix)
                if uri is not None:
                    uris.add(str(uri))
    uris |= {
        str(node.tag)[1:].partition("}")[0] for node in root.iter("*") if str(node.tag)[0] == "{"
    }
    uris |= {
        str(key)[1:].partition("}")[0]
        for node in root.iter("*")
        for key in node.attrib
        if str(key)[0] == "{"
    }
    uris -= {XS, "http://www.w3.org/XML/1998/namespace"}
    prefixes = {uri: f"n{number}" for number, uri in enumerate(sorted(uris))}
    prefixes[XS] = "xs"
    made = etree.Element(root.tag, nsmap={prefix: uri for uri, prefix in prefixes.items()})
    _copy_into(made, root, prefixes)
    return made


def _named_in(node: Element, key: str) -> set[str | None]:
    said = node.get(key)
    if said is None:
        return set()
    if key == "xpath":
        return set(_prefixes_in(said))
    return {name.rpartition(":")[0] or None for name in said.split()}


def _copy_into(made: Element, node: Element, prefixes: dict[str, str]) -> None:
    is_schema = str(node.tag).startswith(_P)
    for key, value in node.attrib.items():
        if is_schema and key in _QNAMES:
            value = " ".join(_rename(node, name, prefixes) for name in value.split())
        elif is_schema and key == "xpath":
            for prefix in sorted(_prefixes_in(value), key=len, reverse=True):
                uri = node.nsmap.get(prefix)
                if uri is not None:
                    value = value.replace(f"{prefix}:", f"\0{prefixes[str(uri)]}:")
            value = value.replace("\0", "")
        made.set(key, value)
    made.text = node.text
    for child in node:
        below = etree.SubElement(made, child.tag)
        below.tail = child.tail
        _copy_into(below, child, prefixes)


def _rename(node: Element, name: str, prefixes: dict[str, str]) -> str:
    prefix, _, last = name.rpartition(":")
    uri = node.nsmap.get(prefix or None)
    if uri == "http://www.w3.org/XML/1998/namespace":
        return name
    return f"{prefixes[str(uri)]}:{last}" if uri is not None else last


def _written(root: Element, prefixes: list[str]) -> str:
    return etree.tostring(
        root, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
    ).decode()

"""What of XSD 1.1 is refused, by the construct's name: the checker knows XSD 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.components import XS
from chappe.formats.xsd.xml_text import Element

_VERSIONING: Final = "{http://www.w3.org/2007/XMLSchema-versioning}"
_ELEMENTS: Final = frozenset(
    f"{{{XS}}}{name}"
    for name in (
        *("alternative", "assert", "assertion", "override", "openContent", "defaultOpenContent"),
        "explicitTimezone",
    )
)
_ATTRIBUTES: Final = frozenset(
    (
        *("notQName", "notNamespace", "defaultAttributes", "defaultAttributesApply"),
        *("xpathDefaultNamespace", "inheritable", "appliesToEmpty"),
    )
)
# What most attributes are, none of them of XSD 1.1: looked at first, for speed.
_COMMON: Final = frozenset(("name", "value", "minOccurs", "maxOccurs", "use", "ref"))
_TYPES: Final = frozenset(
    ("dateTimeStamp", "dayTimeDuration", "yearMonthDuration", "anyAtomicType", "error")
)
_TYPE_USES: Final = ("type", "base", "itemType", "memberTypes")
_ALL: Final = f"{{{XS}}}all"
_OWN: Final = (f"{{{XS}}}element", f"{{{XS}}}attribute")
_PREFIX: Final = f"{{{XS}}}"


def refuse_unserved(node: Element, what: str) -> None:
    """Refuse an element that only XSD 1.1 has, or that says something only XSD 1.1 has.

    Raises:
        Malformed: it is one.
    """
    tag = str(node.tag)
    if not tag.startswith(_PREFIX):
        return
    if tag in _ELEMENTS:
        raise _unserved(what, f"xs:{tag.removeprefix(_PREFIX)}", node)
    for key, value in node.items():
        if key in _COMMON:
            continue
        if key in _ATTRIBUTES or str(key).startswith(_VERSIONING):
            raise _unserved(what, f"the attribute {_shown(str(key))}", node)
        if key == "substitutionGroup" and len(value.split()) > 1:
            raise _unserved(what, "a substitutionGroup of several heads", node)
        if key == "targetNamespace" and tag in _OWN:
            raise _unserved(what, "a targetNamespace of its own", node)
        if key in _TYPE_USES:
            for name in value.split():
                prefix, _, last = name.rpartition(":")
                if last in _TYPES and prefixes(node).get(prefix or None) == XS:
                    raise _unserved(what, f"the type xs:{last}", node)
    if tag == _ALL:
        for child in node:
            if child.tag in (f"{_PREFIX}any", f"{_PREFIX}group"):
                raise _unserved(
                    what, f"xs:{str(child.tag).removeprefix(_PREFIX)} within xs:all", node
                )
            if child.tag == _OWN[0] and child.get("maxOccurs", "1").strip() not in ("0", "1"):
                raise _unserved(
                    what,
                    f"maxOccurs={shortened(child.get('maxOccurs'))} within xs:all",
                    child,
                )


def prefixes(node: Element) -> Mapping[str | None, str]:
    """The prefixes that are known at a node.

    Raises:
        Malformed: they are more than is possible; each look costs as many steps.
    """
    known = node.nsmap
    if len(known) > limits.MAX_PREFIXES:
        raise Malformed(
            f"dataschema: line {node.sourceline}: more than {limits.MAX_PREFIXES} prefixes are"
            " declared in one place"
        )
    return known


def _unserved(what: str, construct: str, node: Element) -> Malformed:
    return Malformed(
        f"{what}: line {node.sourceline}: {construct} is of XSD 1.1 and is not served; XSD 1.0 is"
    )


def _shown(key: str) -> str:
    return f"vc:{key.removeprefix(_VERSIONING)}" if key.startswith(_VERSIONING) else key

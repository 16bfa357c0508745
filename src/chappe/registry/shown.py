"""A resource or version in its document view: the document itself, its metadata beside it.

(core/http.md "Serializing Resource Domain-Specific Documents")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chappe.registry.definitions import definition
from chappe.registry.entity import Resource, Tree, Version
from chappe.registry.located import missing, resource_at
from chappe.registry.locations import short_url
from chappe.registry.mirrors import shown_of
from chappe.registry.model import AttributeSet
from chappe.registry.pieces import encoded, names_in_order
from chappe.registry.target import Level, Target


class Shown(NamedTuple):
    """What a GET without "$details" answers.

    `attributes` are texts by name, in the spec's order: headers "xRegistry-<name>", not yet
    percent-encoded; a map's entries are named "labels.<key>". Two have headers of their own:
    `contenttype`, and the URL where the document is elsewhere (303 See Other; `body` is empty).
    """

    body: bytes
    attributes: Mapping[str, str]


def document(tree: Tree, target: Target, base: str) -> Shown:
    """The document view of a resource or a version.

    Args:
        tree: the registry.
        target: of Level.RESOURCE or Level.VERSION, its type with `hasdocument`.
        base: the URL of the registry's root; a slash at its end does not matter.

    Raises:
        RegistryError: not_found.
    """
    base, xid = base.rstrip("/"), target.xid
    _, resource, type = resource_at(tree, target)
    shown = shown_of(tree, resource)
    if target.level is Level.VERSION:
        version = shown.versions.find(target.vid) if shown else None
        if version is None:
            raise missing(target)
    else:
        version = shown.default if shown else None
    found = {f"{type.singular}id": resource.id}
    if version is not None:
        found["versionid"] = version.id
    found["self"] = f"{base}{xid}"
    if tree.capabilities.get("shortself") is True:
        found["shortself"] = _short(base, target, resource, version)
    found["xid"] = xid
    if version is not None and shown is not None:
        head, body = names_in_order(version.attributes, f"{type.singular}url")
        found |= _all_texts(version, head, type.version)
        default = shown.meta.get("defaultversionid") == version.id
        found["isdefault"] = "true" if default else "false"
        found |= _all_texts(version, body, type.version)
    if target.level is Level.RESOURCE:
        found["metaurl"] = f"{base}{xid}/meta"
        if shown is not None:
            found["versionsurl"] = f"{base}{xid}/versions"
            found["versionscount"] = str(len(shown.versions))
    here = version is not None and not type.is_elsewhere(version.attributes)
    return Shown(version.document or b"" if here and version is not None else b"", found)


def _short(base: str, target: Target, resource: Resource, version: Version | None) -> str:
    if target.level is Level.RESOURCE or version is None:
        return short_url(base, resource.uid)
    if resource.xref is None:
        return short_url(base, version.uid)
    return short_url(base, resource.uid, f"/versions/{version.id}")


def _all_texts(
    version: Version, names: Sequence[str], attributes: AttributeSet
) -> Iterator[tuple[str, str]]:
    for name in names:
        yield from _texts(name, version.attributes[name], attributes)


def _texts(name: str, value: Any, attributes: AttributeSet) -> list[tuple[str, str]]:
    """The headers of one attribute: a scalar's, or one for each entry of a map of scalars."""
    if not isinstance(value, Mapping):
        return [] if isinstance(value, list) else [(name, _text(value))]
    known = definition(attributes, name)
    if known is None or known.type != "map" or any(map(_is_complex, value.values())):
        return []
    return [(f"{name}.{key}", _text(one)) for key, one in value.items()]


def _is_complex(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else encoded(value)

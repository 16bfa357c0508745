"""The attributes that the specification itself defines (core/spec.md, core/model.json), by level.

The full model is these, overlaid with what a model source says (core/model.md "Creating or Updating
the Registry Model").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from chappe.registry.errors import RegistryError
from chappe.registry.model import Attribute, AttributeSet

SPECVERSION: Final = "1.0-rc4"

COMPATIBILITIES: Final = (
    "backward",
    "backward_transitive",
    "forward",
    "forward_transitive",
    "full",
    "full_transitive",
)

MAX_NAME: Final = 63
"""Characters of an attribute's name, at most (core/spec.md "Attributes")."""

STATIC_PATHS: Final = frozenset("export capabilities capabilitiesoffered model modelsource".split())
"""Names below the registry's root (core/http.md "HTTP API Patterns"), which hide a group type's."""


def _spec(name: str, type: str, **aspects: Any) -> Attribute:
    return Attribute(name=name, type=type, spec=True, **aspects)


def _id(name: str, *, readonly: bool = False) -> Attribute:
    return _spec(name, "string", readonly=readonly, immutable=True, required=True, computed=True)


def _set(*attributes: Attribute) -> AttributeSet:
    return AttributeSet(
        by_name={one.name: one for one in attributes if one.name != "*"},
        others=next((one for one in attributes if one.name == "*"), None),
    )


_ANYTHING: Final = Attribute(name="*", type="any")
_FREE: Final = _set(_ANYTHING)
_ENTITY: Final = Attribute(name="", type="object", attributes=_FREE)

_SELF: Final = (
    _spec("self", "url", readonly=True, immutable=True, required=True, computed=True),
    _spec("shortself", "url", readonly=True, immutable=True, computed=True),
    _spec("xid", "xid", readonly=True, immutable=True, required=True, computed=True),
)
_EPOCH: Final = _spec("epoch", "uinteger", readonly=True, required=True)
_NAME: Final = _spec("name", "string")
_ABOUT: Final = (
    _spec("description", "string"),
    _spec("documentation", "url"),
    _spec("icon", "url"),
)
_LABELS: Final = _spec("labels", "map", item=Attribute(name="", type="string"))
_TIMES: Final = (
    _spec("createdat", "timestamp", required=True),
    _spec("modifiedat", "timestamp", required=True),
)
_DEPRECATED: Final = _spec(
    "deprecated",
    "object",
    attributes=_set(
        _spec("alternative", "url"),
        _spec("documentation", "url"),
        _spec("effective", "timestamp"),
        _spec("removal", "timestamp"),
        _ANYTHING,
    ),
)
_CONSTRAINTS: Final = _spec(
    "constraints",
    "map",
    item=Attribute(
        name="",
        type="object",
        attributes=_set(
            _spec("default", "any"),
            _spec("enum", "array", item=Attribute(name="", type="any")),
            _spec("equals", "string"),
        ),
    ),
)

_REGISTRY: Final = (
    _spec(
        "specversion", "string", readonly=True, required=True, default=SPECVERSION, computed=True
    ),
    _id("registryid", readonly=True),
    *_SELF,
    _EPOCH,
    _NAME,
    *_ABOUT,
    _LABELS,
    *_TIMES,
    _spec("capabilities", "object", attributes=_FREE, computed=True),
    _spec("model", "object", readonly=True, attributes=_FREE, computed=True),
    _spec("modelsource", "object", attributes=_FREE, computed=True),
)

_VERSION: Final = (
    _id("versionid"),
    *_SELF,
    _EPOCH,
    _NAME,
    _spec("isdefault", "boolean", readonly=True, required=True, default=False, computed=True),
    *_ABOUT,
    _LABELS,
    *_TIMES,
    _spec("ancestorid", "string", required=True),
    _spec("contenttype", "string"),
    _spec("format", "string"),
    _spec("formatvalidated", "boolean", readonly=True),
    _spec("formatvalidatedreason", "string", readonly=True),
    _spec("compatibilityvalidated", "boolean", readonly=True),
    _spec("compatibilityvalidatedreason", "string", readonly=True),
)

_META: Final = (
    *_SELF,
    _spec("xref", "url"),
    _EPOCH,
    _LABELS,
    *_TIMES,
    _spec("readonly", "boolean", readonly=True, required=True, default=False),
    _spec("compatibility", "string", enum=COMPATIBILITIES),
    _DEPRECATED,
    _spec("defaultversionid", "string", required=True),
    _spec("defaultversionurl", "url", readonly=True, required=True, computed=True),
    _spec("defaultversionsticky", "boolean", required=True, default=False),
)

_RESOURCE: Final = (
    *_SELF,
    _spec("metaurl", "url", readonly=True, immutable=True, required=True, computed=True),
    _spec("meta", "object", attributes=_FREE, computed=True),
)


def registry_attributes(groups: Iterable[str]) -> Mapping[str, Attribute]:
    """The registry's own, with the collections of its group types."""
    return _named("the Registry", *_REGISTRY, *_collections(groups))


def group_attributes(
    singular: str, resources: Iterable[str], where: str
) -> Mapping[str, Attribute]:
    """Those of a group of a type."""
    return _named(
        where,
        _id(f"{singular}id"),
        *_SELF,
        _EPOCH,
        _NAME,
        *_ABOUT,
        _LABELS,
        *_TIMES,
        _DEPRECATED,
        _CONSTRAINTS,
        *_collections(resources),
    )


def version_attributes(singular: str, where: str, *, hasdocument: bool) -> Mapping[str, Attribute]:
    """Those of a version of a resource of a type.

    `<R>proxyurl` is not the specification's but the reference server's, which fetches the document
    from there for whoever reads it. It is taken so that what such a server exported can be imported;
    here it says no more than `<R>url`: where the document is. Nothing is ever fetched.
    """
    document = (
        _spec(f"{singular}url", "url"),
        Attribute(name=f"{singular}proxyurl", type="url"),
        _spec(singular, "any", computed=True),
        _spec(f"{singular}base64", "string", computed=True),
    )
    fitting = (one for one in document if len(one.name) <= MAX_NAME)
    return _named(where, _id(f"{singular}id"), *_VERSION, *(fitting if hasdocument else ()))


def resource_attributes(singular: str, where: str) -> Mapping[str, Attribute]:
    """Those of a resource beside its default version's."""
    return _named(where, _id(f"{singular}id"), *_RESOURCE, *_collections(["versions"]))


def meta_attributes(singular: str, where: str) -> Mapping[str, Attribute]:
    """Those of a resource's meta."""
    return _named(where, _id(f"{singular}id"), *_META)


def _collections(plurals: Iterable[str]) -> list[Attribute]:
    """`<COLLECTION>url`, `<COLLECTION>count` and `<COLLECTION>` of each (core/spec.md)."""
    result: list[Attribute] = []
    for plural in plurals:
        result += (
            _spec(
                f"{plural}url", "url", readonly=True, immutable=True, required=True, computed=True
            ),
            _spec(f"{plural}count", "uinteger", readonly=True, required=True, computed=True),
            _spec(plural, "map", item=_ENTITY, computed=True),
        )
    return result


def _named(where: str, *attributes: Attribute) -> Mapping[str, Attribute]:
    """By name; two of one name come from a type's plural or singular that must not be used."""
    result: dict[str, Attribute] = {}
    for attribute in attributes:
        if attribute.name in result:
            raise RegistryError(
                "model_error",
                "/model",
                error_detail=f'{where} would have two attributes "{attribute.name}", because of the '
                "name of a Group or Resource type",
            )
        result[attribute.name] = attribute
    return result

"""The compiled model: what the types of groups and resources are, and their attributes (core/model.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCALARS = frozenset(
    "boolean decimal integer string timestamp uinteger uri uriabsolute urirelative uritemplate url"
    " urlabsolute urlrelative xid xidtype".split()
)
TYPES = SCALARS | frozenset({"any", "array", "map", "object"})


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute's definition (`attributes.<STRING>`); of an `item` only some fields are set.

    `name` is "*" for "any other attribute". `type` is one of TYPES. `ifvalues` are by the value in
    lower case. `spec` tells an attribute that the specification defines from an extension; `computed`
    one of those that is never stored among an entity's attributes (`self`, counts, `<R>base64` …).
    """

    name: str
    type: str
    target: str = ""
    namecharset: str = "strict"
    description: str = ""
    enum: Sequence[Any] = ()
    strict: bool = True
    matchversions: bool = False
    readonly: bool = False
    immutable: bool = False
    required: bool = False
    default: Any = None
    attributes: AttributeSet | None = None
    item: Attribute | None = None
    ifvalues: Mapping[str, AttributeSet] = field(default_factory=dict)
    spec: bool = False
    computed: bool = False

    @property
    def is_scalar(self) -> bool:
        """Whether its values are scalars."""
        return self.type in SCALARS


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class AttributeSet:
    """The attributes of one level; `others` is the definition named "*", if there is one.

    `namecharset` is "strict" or "extended". `reserved` are names that "*" does not admit: on a
    version, those of its resource (`meta`, `versions` …). `value` is the key in `ifvalues` that brings
    these siblings, as it was written.
    """

    by_name: Mapping[str, Attribute] = field(default_factory=dict)
    others: Attribute | None = None
    namecharset: str = "strict"
    reserved: frozenset[str] = frozenset()
    value: str = ""

    def get(self, name: str) -> Attribute | None:
        """The definition of a named attribute ("*" does not count)."""
        return self.by_name.get(name)


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """`constraints.<RESOURCES>.<PATH>`: `path` is the resource attribute, parted."""

    resources: str
    path: Sequence[str]
    default: Any = None
    enum: Sequence[Any] = ()
    equals: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A type of resource in a type of group.

    `origin` is the xidtype ("/GROUPS/RESOURCES") that defines it: another group type's where it came
    by `ximportresources`. `version`, `resource` and `meta` are the full sets: the spec's attributes
    with the model's own.
    """

    plural: str
    singular: str
    group: str
    origin: str
    version: AttributeSet
    resource: AttributeSet
    meta: AttributeSet
    maxversions: int = 0
    setversionid: bool = True
    hasdocument: bool = True
    versionmode: str = "manual"
    singleversionroot: bool = False
    validateformat: bool = False
    validatecompatibility: bool = False
    strictvalidation: bool = False
    typemap: Mapping[str, str] = field(default_factory=dict)

    @property
    def url_names(self) -> tuple[str, ...]:
        """The attributes that say where a document is that is not here: `<R>url`, `<R>proxyurl`."""
        return (f"{self.singular}url", f"{self.singular}proxyurl") if self.hasdocument else ()

    def is_elsewhere(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a version's document is outside of the registry."""
        return any(name in attributes for name in self.url_names)


@dataclass(frozen=True, slots=True, eq=False)
class GroupType:
    """A type of group; `resources` by plural name, imported ones too."""

    plural: str
    singular: str
    attributes: AttributeSet
    resources: Mapping[str, ResourceType] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The whole model.

    `source` is what a client sent (`modelsource`), `full` what `GET /model` answers. `attributes` are
    the registry's own.
    """

    source: Mapping[str, Any]
    full: Mapping[str, Any]
    attributes: AttributeSet
    groups: Mapping[str, GroupType] = field(default_factory=dict)

    def resource_type(self, groups: str, resources: str) -> ResourceType | None:
        """The type of the resources in a group of a type."""
        group = self.groups.get(groups)
        return None if group is None else group.resources.get(resources)

"""Documents to components: each global component is read once, by its name, when it is needed first.

It is lenient with what the compiler refuses anyway, strict with what would cost: a chain or a cycle of
groups ends with an error here, before the compiler follows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal, cast

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.components import (
    ANY_SIMPLE_TYPE,
    XS,
    Attribute,
    Attributes,
    Complex,
    Element,
    ElementParticle,
    Facet,
    Group,
    Name,
    Particle,
    Simple,
    Type,
    TypeUse,
    Wildcard,
    WildcardParticle,
    group,
)
from chappe.formats.xsd.documents import XML_NAMESPACE, Document
from chappe.formats.xsd.unserved import prefixes
from chappe.formats.xsd.xml_text import Element as Node

_P: Final = f"{{{XS}}}"
_PREFIX_LENGTH: Final = len(_P)
_ANY: Final = f"{_P}*"
_GROUPS: Final = ("sequence", "choice", "all")
_PARTICLES: Final = (*_GROUPS, "group", "element", "any")
_KINDS: Final = {
    "element": "element",
    "attribute": "attribute",
    "simpleType": "type",
    "complexType": "type",
    "group": "group",
    "attributeGroup": "attributeGroup",
}
_CONSTRAINTS: Final = ("unique", "key", "keyref")
_BLOCKS: Final = frozenset(("extension", "restriction", "substitution"))
# What a redefinition calls its own name is the component before it.
_BEFORE: Final = " before redefinition"


class Reader:
    """The global components of all documents, by name."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._nodes: dict[tuple[str, Name], tuple[Node, Document, bool]] = {}
        self._types: dict[Name, Type] = {}
        self._elements: dict[Name, Element] = {}
        self._attributes: dict[Name, Attribute] = {}
        self._groups: dict[Name, Group | None] = {}
        self._attribute_groups: dict[Name, Attributes | None] = {}
        self._depth = 0
        self.patterns: list[str] = []
        """All patterns met so far."""
        self.complexes: list[Complex] = []
        """All complex types met so far, those without a name among them."""
        self.declared: list[Element] = []
        """All elements met so far, those within types among them."""
        self.simples: list[Simple] = []
        """All simple types met so far."""
        for document in documents:
            for child in _children(document.root):
                self._register(child, document)
        for document in documents:
            for redefinition, within in document.redefined_in:
                for child in _children(redefinition):
                    self._redefine(child, within)

    def names(self, kind: str) -> list[Name]:
        """The names of all global components of a kind, in order."""
        return sorted(
            name for each, name in self._nodes if each == kind and not name.endswith(_BEFORE)
        )

    def type(self, name: Name) -> Type | None:
        """A global type; None when there is none, as for the built-in ones."""
        if name not in self._types:
            entry = self._nodes.get(("type", name))
            if entry is None:
                return None
            node, document, redefines = entry
            own = _Scope(self, document, name if redefines else None)
            self._types[name] = (
                own.simple(node, name) if _tag(node) == "simpleType" else own.complex(node, name)
            )
        return self._types[name]

    def element(self, name: Name) -> Element | None:
        """A global element."""
        if name not in self._elements:
            entry = self._nodes.get(("element", name))
            if entry is None:
                return None
            self._elements[name] = _Scope(self, entry[1]).element(entry[0], name)
        return self._elements[name]

    def attribute(self, name: Name) -> Attribute | None:
        """A global attribute."""
        if name not in self._attributes:
            entry = self._nodes.get(("attribute", name))
            if entry is None:
                return None
            self._attributes[name] = _Scope(self, entry[1]).attribute(entry[0], name)
        return self._attributes[name]

    def group(self, name: Name) -> Group:
        """A global group's model."""
        if name in self._groups:
            known = self._groups[name]
            if known is None:
                raise Malformed(f"dataschema: the group {shortened(name)} contains itself")
            return known
        entry = self._nodes.get(("group", name))
        if entry is None:
            raise Malformed(f"dataschema: the group {shortened(name)} is not declared")
        node, document, redefines = entry
        self._groups[name] = None
        self._descend(f"the group {shortened(name)}")
        scope = _Scope(self, document, name if redefines else None)
        found: Particle | None = None
        for child in _children(node):
            if _tag(child) in _GROUPS:
                found = scope.particle(child)
        self._depth -= 1
        read = found if isinstance(found, Group) else group(1, 1, "sequence", ())
        self._groups[name] = read
        return read

    def attribute_group(self, name: Name) -> Attributes:
        """A global attribute group, those within it put in."""
        if name in self._attribute_groups:
            known = self._attribute_groups[name]
            if known is None:
                raise Malformed(
                    f"dataschema: the attribute group {shortened(name)} contains itself"
                )
            return known
        entry = self._nodes.get(("attributeGroup", name))
        if entry is None:
            raise Malformed(f"dataschema: the attribute group {shortened(name)} is not declared")
        node, document, redefines = entry
        self._attribute_groups[name] = None
        self._descend(f"the attribute group {shortened(name)}")
        read = _Scope(self, document, name if redefines else None).attributes(node)
        self._depth -= 1
        self._attribute_groups[name] = read
        return read

    def _descend(self, what: str) -> None:
        self._depth += 1
        if self._depth > limits.MAX_CHAIN:
            raise Malformed(
                f"dataschema: {what}: groups within groups, more than {limits.MAX_CHAIN} deep"
            )

    def _register(self, node: Node, document: Document) -> None:
        kind, name = _KINDS.get(_tag(node)), node.get("name")
        if kind is not None and name:
            self._nodes[kind, _clark(document.namespace, name.strip())] = (node, document, False)

    def _redefine(self, node: Node, document: Document) -> None:
        kind, name = _KINDS.get(_tag(node)), node.get("name")
        if kind is None or not name:
            return
        full = _clark(document.namespace, name.strip())
        before = self._nodes.get((kind, full))
        if before is None:
            raise Malformed(f"dataschema: xs:redefine: {shortened(full)} is not declared")
        if (kind, full + _BEFORE) in self._nodes:
            raise Malformed(f"dataschema: xs:redefine: {shortened(full)} is redefined twice")
        self._nodes[kind, full + _BEFORE] = before
        self._nodes[kind, full] = (node, document, True)


class _Scope:
    """Reading within one document: its namespace, its defaults, the name it redefines."""

    def __init__(self, reader: Reader, document: Document, redefines: Name | None = None) -> None:
        self._reader = reader
        self._document = document
        self._redefines = redefines

    def name(self, node: Node, qname: str) -> Name:
        """A QName as it stands in an attribute of the node."""
        prefix, colon, last = qname.strip().rpartition(":")
        uri = prefixes(node).get(prefix if colon else None)
        if prefix == "xml":
            uri = XML_NAMESPACE
        if not colon and uri is None and self._document.takes_namespace:
            uri = self._document.namespace
        if colon and uri is None:
            raise Malformed(
                f"dataschema: line {node.sourceline}: the prefix of {shortened(qname)} is bound to"
                " no namespace"
            )
        full = _clark(str(uri or ""), last)
        return full + _BEFORE if full == self._redefines else full

    def element(self, node: Node, name: Name) -> Element:
        use: TypeUse | None = None
        head = node.get("substitutionGroup")
        constraints: dict[Name, str] = {}
        named = node.get("type")
        if named is not None:
            use = self.name(node, named)
        for child in _children(node):
            match _tag(child):
                case "simpleType":
                    use = self.simple(child, "")
                case "complexType":
                    use = self.complex(child, "")
                case "unique" | "key" | "keyref":
                    constraints[child.get("name") or ""] = _constraint(child)
                case _:
                    pass
        read = Element(
            name,
            use,
            nillable=_true(node, "nillable"),
            abstract=_true(node, "abstract"),
            fixed=node.get("fixed"),
            default=node.get("default"),
            block=self._block(node, "blockDefault"),
            constraints=constraints,
            head=self.name(node, head) if head else None,
        )
        self._reader.declared.append(read)
        return read

    def attribute(self, node: Node, name: Name) -> Attribute:
        use: TypeUse = ANY_SIMPLE_TYPE
        named = node.get("type")
        if named is not None:
            use = self.name(node, named)
        for child in _children(node):
            if _tag(child) == "simpleType":
                use = self.simple(child, "")
        return Attribute(
            name,
            use,
            required=(node.get("use") or "").strip() == "required",
            prohibited=(node.get("use") or "").strip() == "prohibited",
            fixed=node.get("fixed"),
            default=node.get("default"),
        )

    def attributes(self, node: Node) -> Attributes:
        """The attributes that stand directly within the node."""
        uses: dict[Name, Attribute] = {}
        wildcard: Wildcard | None = None
        size = 1
        for child in _children(node):
            match _tag(child):
                case "attribute":
                    one = self._attribute_use(child)
                    uses[one.name] = one
                    size += 1
                case "attributeGroup":
                    named = self._reader.attribute_group(self.name(child, child.get("ref") or ""))
                    uses.update(named.uses)
                    size += named.size
                    if size > limits.MAX_ATTRIBUTES:
                        raise Malformed(
                            f"dataschema: more than {limits.MAX_ATTRIBUTES} attributes in one type"
                        )
                    wildcard = _both(wildcard, named.wildcard)
                case "anyAttribute":
                    wildcard = _both(wildcard, self._wildcard(child), first=True)
                case _:
                    pass
        return Attributes(uses, wildcard, size)

    def particle(self, node: Node) -> Particle | None:
        """A group, an element or a wildcard with how often it may stand; None when never."""
        least, most = _occurs(node, "minOccurs"), _occurs(node, "maxOccurs")
        assert least is not None
        if most == 0:
            return None
        match tag := _tag(node):
            case "element":
                reference = node.get("ref")
                if reference is None:
                    name = _clark(
                        self._namespace_of(node, "elementFormDefault"),
                        (node.get("name") or "").strip(),
                    )
                    return ElementParticle(least, most, self.element(node, name))
                return ElementParticle(least, most, self.name(node, reference))
            case "any":
                return WildcardParticle(least, most, self._wildcard(node))
            case "group":
                named = self._reader.group(self.name(node, node.get("ref") or ""))
                return replace(named, least=least, most=most)
            case _:
                parts = (
                    self.particle(each) for each in _children(node) if _tag(each) in _PARTICLES
                )
                kind = cast(Literal["sequence", "choice", "all"], tag)
                made = group(least, most, kind, tuple(each for each in parts if each is not None))
                if made.height > limits.MAX_CHAIN:
                    raise Malformed(
                        f"dataschema: line {node.sourceline}: groups within groups,"
                        f" more than {limits.MAX_CHAIN} deep"
                    )
                return made

    def simple(self, node: Node, name: Name) -> Simple:
        """A simple type."""
        read = self._simple(node, name)
        self._reader.simples.append(read)
        return read

    def complex(self, node: Node, name: Name) -> Complex:
        """A complex type."""
        read = self._complex(node, name)
        self._reader.complexes.append(read)
        return read

    def _simple(self, node: Node, name: Name) -> Simple:
        for child in _children(node):
            match _tag(child):
                case "restriction":
                    return self._restriction(child, name)
                case "list":
                    item: TypeUse | None = None
                    named = child.get("itemType")
                    if named is not None:
                        item = self.name(child, named)
                    for each in _children(child):
                        if _tag(each) == "simpleType":
                            item = self.simple(each, "")
                    return Simple(name, item=item or ANY_SIMPLE_TYPE)
                case "union":
                    members: list[TypeUse] = [
                        self.name(child, each) for each in (child.get("memberTypes") or "").split()
                    ]
                    members += (
                        self.simple(each, "")
                        for each in _children(child)
                        if _tag(each) == "simpleType"
                    )
                    return Simple(name, members=tuple(members))
                case _:
                    pass
        return Simple(name, base=ANY_SIMPLE_TYPE)

    def _complex(self, node: Node, name: Name) -> Complex:
        block = self._block(node, "blockDefault")
        abstract = _true(node, "abstract")
        for child in _children(node):
            tag = _tag(child)
            if tag not in ("simpleContent", "complexContent"):
                continue
            for step in _children(child):
                if _tag(step) not in ("restriction", "extension"):
                    continue
                base = self.name(step, step.get("base") or "")
                is_restriction = _tag(step) == "restriction"
                return Complex(
                    name,
                    base,
                    derivation="restriction" if is_restriction else "extension",
                    simple=(
                        self._restriction(step, "")
                        if tag == "simpleContent" and is_restriction
                        else None
                    ),
                    is_simple=tag == "simpleContent",
                    particle=self._model(step) if tag == "complexContent" else None,
                    mixed=tag == "complexContent"
                    and (_true(child, "mixed") if child.get("mixed") else _true(node, "mixed")),
                    attributes=self.attributes(step),
                    abstract=abstract,
                    block=block,
                )
        return Complex(
            name,
            particle=self._model(node),
            mixed=_true(node, "mixed"),
            attributes=self.attributes(node),
            abstract=abstract,
            block=block,
        )

    def _model(self, node: Node) -> Particle | None:
        for child in _children(node):
            if _tag(child) in (*_GROUPS, "group"):
                return self.particle(child)
        return None

    def _restriction(self, node: Node, name: Name) -> Simple:
        """The facets of a restriction, those that may stand often gathered into one."""
        base: TypeUse | None = None
        named = node.get("base")
        if named is not None:
            base = self.name(node, named)
        gathered: dict[str, list[str]] = {}
        for child in _children(node):
            tag = _tag(child)
            value = child.get("value")
            if tag == "simpleType":
                base = self.simple(child, "")
            elif value is not None:
                gathered.setdefault(tag, []).append(value)
        if "pattern" in gathered:
            self._reader.patterns.extend(gathered["pattern"])
        facets = tuple(
            Facet(kind, tuple(values) if kind in ("pattern", "enumeration") else tuple(values[-1:]))
            for kind, values in gathered.items()
        )
        return Simple(name, base=base, facets=facets)

    def _attribute_use(self, node: Node) -> Attribute:
        reference = node.get("ref")
        if reference is None:
            name = _clark(
                self._namespace_of(node, "attributeFormDefault"), (node.get("name") or "").strip()
            )
            return self.attribute(node, name)
        name = self.name(node, reference)
        found = self._reader.attribute(name)
        if found is None:
            raise Malformed(f"dataschema: the attribute {shortened(name)} is not declared")
        own = self.attribute(node, name)
        return replace(
            own,
            type=found.type,
            fixed=own.fixed if own.fixed is not None else found.fixed,
            default=own.default if own.default is not None else found.default,
        )

    def _wildcard(self, node: Node) -> Wildcard:
        said = (node.get("processContents") or "strict").strip()
        process = cast(
            Literal["strict", "lax", "skip"], said if said in ("lax", "skip") else "strict"
        )
        target = self._document.namespace
        match (node.get("namespace") or "##any").split():
            case ["##any"]:
                return Wildcard(frozenset(), negated=True, process=process)
            case ["##other"]:
                return Wildcard(frozenset(("", target)), negated=True, process=process)
            case names:
                special = {"##targetNamespace": target, "##local": ""}
                return Wildcard(
                    frozenset(special.get(each, each) for each in names),
                    negated=False,
                    process=process,
                )

    def _namespace_of(self, node: Node, default: str) -> str:
        form = node.get("form") or self._document.root.get(default) or "unqualified"
        return self._document.namespace if form.strip() == "qualified" else ""

    def _block(self, node: Node, default: str) -> frozenset[str]:
        said = node.get("block")
        if said is None:
            said = self._document.root.get(default) or ""
        return _BLOCKS if said.strip() == "#all" else frozenset(said.split())


def _children(node: Node) -> Iterator[Node]:
    # Annotations are taken out when a document is read.
    return node.iterchildren(_ANY)


def _tag(node: Node) -> str:
    return str(node.tag)[_PREFIX_LENGTH:]


def _clark(namespace: str, name: str) -> Name:
    return f"{{{namespace}}}{name}" if namespace else name


def _true(node: Node, key: str) -> bool:
    said = node.get(key)
    return said is not None and said.strip() in ("true", "1")


def _occurs(node: Node, key: str) -> int | None:
    """`minOccurs` or `maxOccurs`; None is "unbounded"."""
    raw = node.get(key)
    if raw is None or raw == "1":
        return 1
    if raw == "0":
        return 0
    said = raw.strip()
    if said == "unbounded" and key == "maxOccurs":
        return None
    digits = said.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise Malformed(
            f"dataschema: line {node.sourceline}: {key}={shortened(said)} is no number of times"
        )
    if len(digits) > 12 or int(digits) > limits.MAX_OCCURS:
        raise Malformed(
            f"dataschema: line {node.sourceline}: {key}={shortened(said)};"
            f" at most {limits.MAX_OCCURS} can be counted"
        )
    return int(digits)


def _constraint(node: Node) -> str:
    """An identity constraint as one text, for comparison."""
    parts = [_tag(node), node.get("refer") or ""]
    parts.extend(
        f"{_tag(child)}={''.join((child.get('xpath') or '').split())}" for child in _children(node)
    )
    return " ".join(parts)


def _both(one: Wildcard | None, other: Wildcard | None, *, first: bool = False) -> Wildcard | None:
    """What both take (XSD 1.0 part 1, 3.10.6); the first's, or with `first` the other's, processing."""
    if one is None or other is None:
        return one or other
    process = other.process if first else one.process
    if one.negated and other.negated:
        return Wildcard(one.namespaces | other.namespaces, negated=True, process=process)
    if not one.negated and not other.negated:
        return Wildcard(one.namespaces & other.namespaces, negated=False, process=process)
    takes, refuses = (other, one) if one.negated else (one, other)
    return Wildcard(takes.namespaces - refuses.namespaces, negated=False, process=process)

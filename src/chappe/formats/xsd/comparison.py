"""Whether a reader's schema takes every document that a writer's schema takes, and why not.

All global components of the writer's must still be there and take what they took; from them the
comparison goes to what they use. A pair of types is compared once: a cycle is compatible unless
something on it is not, which is told where it stands. `xsi:type` and substitution groups count.

Not told apart: what a lax wildcard took undeclared that the reader's schema declares now, and values
under identity constraints that stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from chappe.formats.fields import shortened
from chappe.formats.schema_language import Difference
from chappe.formats.xsd.components import (
    ANY_TYPE,
    Attribute,
    Complex,
    Element,
    Name,
    Particle,
    Simple,
    TypeUse,
    Wildcard,
    local,
    namespace,
    shown,
    takes_nothing,
)
from chappe.formats.xsd.content_models import (
    Budget,
    Contained,
    Counterexample,
    contains,
    is_wider,
)
from chappe.formats.xsd.model import Content, Model
from chappe.formats.xsd.occurrences import Occurrence, occurrences
from chappe.formats.xsd.simple_types import describe, narrowings, takes_empty
from chappe.formats.xsd.values import Values, values_of

MAX_DIFFERENCES: Final = 100
_STEPS: Final = 60_000
_STRICTNESS: Final = ("skip", "lax", "strict")


def differences(reader: Model, writer: Model) -> list[Difference]:
    """Why documents of the writer's schema may be none of the reader's, the first 100."""
    comparison = _Comparison(reader, writer)
    found: dict[Difference, None] = {}
    for each in comparison.all():
        found[each] = None
        if len(found) == MAX_DIFFERENCES:
            break
    return list(found)


class _Comparison:
    def __init__(self, reader: Model, writer: Model) -> None:
        self._reader = reader
        self._writer = writer
        self._budget = Budget(_STEPS)
        self._waiting: list[tuple[TypeUse, TypeUse, str]] = []
        self._seen: set[tuple[object, object]] = set()

    def all(self) -> Iterator[Difference]:
        for name, type_ in self._writer.types.items():
            path = f"/{_step(name)}"
            other = self._reader.types.get(name)
            if other is None:
                yield Difference(
                    "TYPE_REMOVED",
                    path,
                    f"the type {shown(name)} was removed",
                    "keep the type; documents may name it with xsi:type",
                )
                continue
            yield from self._derivation(type_, other, path)
            self._later(type_, other, path)
            yield from self._flush()
        for name, element in self._writer.elements.items():
            path = f"/{_step(name)}"
            mine = self._reader.elements.get(name)
            if mine is None:
                yield Difference(
                    "ELEMENT_REMOVED",
                    path,
                    f"the global element {shown(name)} was removed",
                    "keep the element",
                )
                continue
            yield from self._element(mine, element, path)
            yield from self._flush()
        for name, attribute in self._writer.attributes.items():
            path = f"/@{_step(name)}"
            declared = self._reader.attributes.get(name)
            if declared is None:
                yield Difference(
                    "ATTRIBUTE_REMOVED",
                    path,
                    f"the global attribute {shown(name)} was removed",
                    "keep the attribute",
                )
                continue
            yield from self._attribute(declared, attribute, path)

    def _flush(self) -> Iterator[Difference]:
        """Compare the pairs of types that were met; a loop, because types nest without bound."""
        while self._waiting:
            writer, reader, path = self._waiting.pop()
            yield from self._types(reader, writer, path)

    def _later(self, writer: TypeUse, reader: TypeUse, path: str) -> None:
        key = (writer, reader)
        if key not in self._seen:
            self._seen.add(key)
            self._waiting.append((writer, reader, path))

    def _derivation(self, writer: TypeUse, reader: TypeUse, path: str) -> Iterator[Difference]:
        """A named base that a type no longer has: xsi:type and substitution groups rest on it."""
        if not isinstance(writer, Complex) or not isinstance(reader, Complex):
            return
        base = writer.base
        if not isinstance(base, str) or not isinstance(self._writer.named(base), Complex):
            return
        above: TypeUse = reader
        for _ in range(100):
            if not isinstance(above, Complex) or above.base == base:
                break
            above = self._reader.named(above.base)
        if not isinstance(above, Complex):
            yield Difference(
                "DERIVATION_CHANGED",
                path,
                f"the type {shown(writer.name)} was derived from {shown(base)} and is no longer",
                f"derive it from {shown(base)}; documents may use it in its place",
            )

    def _element(self, reader: Element, writer: Element, path: str) -> Iterator[Difference]:
        name = shown(writer.name)
        if writer.nillable and not reader.nillable:
            yield Difference(
                "NILLABLE_REMOVED",
                path,
                f"the element {name} was nillable and is no longer",
                'keep nillable="true"',
            )
        if reader.abstract and not writer.abstract:
            yield Difference(
                "ABSTRACT_ADDED",
                path,
                f"the element {name} is abstract now, it was not",
                'leave abstract="true" out',
            )
        yield from _fixed(f"the element {name}", reader.fixed, writer.fixed, path)
        had_default = writer.default is not None or writer.fixed is not None
        if had_default and reader.default is None and reader.fixed is None:
            values = self._simple_content(self._reader.type_of(reader))
            if values is None or not takes_empty(values):
                yield Difference(
                    "DEFAULT_REMOVED",
                    path,
                    f"the element {name} could be empty, its default stood for its value;"
                    " it has none now",
                    "keep the default",
                )
        added = reader.block - writer.block
        if added:
            yield Difference(
                "BLOCK_ADDED",
                path,
                f"the element {name} blocks {', '.join(sorted(added))} now, it did not",
                "leave the block out",
            )
        yield from _constraints(name, reader.constraints, writer.constraints, path)
        self._later(self._writer.type_of(writer), self._reader.type_of(reader), path)

    def _simple_content(self, use: TypeUse) -> Values | None:
        named = self._reader.named(use)
        if isinstance(named, Complex) or named == ANY_TYPE:
            content = self._reader.content(named)
            if content.base is None:
                return None
            return values_of(self._reader, content.base, content.simple)
        return values_of(self._reader, named)

    def _types(self, reader: TypeUse, writer: TypeUse, path: str) -> Iterator[Difference]:
        mine, theirs = self._reader.named(reader), self._writer.named(writer)
        if isinstance(theirs, Complex | Simple) and theirs.name:
            path = f"/{_step(theirs.name)}"
        if mine == ANY_TYPE:
            return
        if theirs == ANY_TYPE:
            yield Difference(
                "TYPE_CHANGED",
                path,
                f"the type was xs:anyType and is {self._described(self._reader, mine)} now",
                "keep xs:anyType",
            )
            return
        yield from self._abstract(mine, theirs, path)
        self._derived(mine, theirs)
        if not isinstance(mine, Complex) and not isinstance(theirs, Complex):
            yield from _narrowed(
                values_of(self._reader, mine), values_of(self._writer, theirs), path
            )
            return
        wide = self._content(self._reader, mine)
        narrow = self._content(self._writer, theirs)
        yield from self._attributes(wide, narrow, path)
        if wide.is_simple or narrow.is_simple:
            yield from self._texts(wide, narrow, path)
            return
        if narrow.mixed and not wide.mixed:
            yield Difference(
                "MIXED_REMOVED",
                path,
                "the content was mixed and is no longer: text among the elements is refused",
                'keep mixed="true"',
            )
        yield from self._models(wide.particle, narrow.particle, path)

    def _abstract(self, reader: TypeUse, writer: TypeUse, path: str) -> Iterator[Difference]:
        if not isinstance(reader, Complex):
            return
        was = writer if isinstance(writer, Complex) else Complex("")
        if reader.abstract and not was.abstract:
            yield Difference(
                "ABSTRACT_ADDED",
                path,
                f"the type {shown(reader.name)} is abstract now, it was not",
                'leave abstract="true" out',
            )
        added = reader.block - was.block
        if added:
            yield Difference(
                "BLOCK_ADDED",
                path,
                f"the type {shown(reader.name)} blocks {', '.join(sorted(added))} now, it did not",
                "leave the block out",
            )

    def _derived(self, reader: TypeUse, writer: TypeUse) -> None:
        """What xsi:type may name in place of the writer's type must fit the reader's of that name."""
        if not isinstance(writer, Complex) or not writer.name:
            return
        for name in self._writer.derived(writer.name):
            theirs, mine = self._writer.types.get(name), self._reader.types.get(name)
            if theirs is not None and mine is not None:
                self._later(theirs, mine, f"/{_step(name)}")

    def _content(self, model: Model, type_: Simple | Complex | Name) -> Content:
        """What a type comes to as content; a simple one is text without attributes."""
        if isinstance(type_, Complex) or type_ == ANY_TYPE:
            return model.content(type_)
        return Content(base=type_)

    def _texts(self, wide: Content, narrow: Content, path: str) -> Iterator[Difference]:
        """One of the two is text of a simple type."""
        if narrow.base is None:
            nothing = narrow.particle is None and not narrow.mixed
            assert wide.base is not None
            if nothing and takes_empty(values_of(self._reader, wide.base, wide.simple)):
                return
            yield Difference(
                "CONTENT_KIND_CHANGED",
                path,
                "the content was elements and is text of a simple type now",
                "keep the elements",
            )
            return
        theirs = values_of(self._writer, narrow.base, narrow.simple)
        if wide.base is None:
            if not wide.mixed or not takes_nothing(wide.particle):
                yield Difference(
                    "CONTENT_KIND_CHANGED",
                    path,
                    f"the content was text of {describe(theirs)} and is elements now",
                    f"keep {describe(theirs)}",
                )
            return
        yield from _narrowed(values_of(self._reader, wide.base, wide.simple), theirs, path)

    def _models(
        self, wide: Particle | None, narrow: Particle | None, path: str
    ) -> Iterator[Difference]:
        reading = occurrences(self._reader, wide)
        writing = occurrences(self._writer, narrow)
        answer = contains((self._reader, wide), (self._writer, narrow), self._budget)
        if not isinstance(answer, Contained):
            found = list(_explained(reading.elements, writing.elements, reading.wildcards, path))
            if not found:
                found = [_rearranged(answer, path)]
            yield from found
        for name, theirs in writing.elements.items():
            mine = reading.elements.get(name)
            below = f"{path}/{_step(name)}"
            if mine is not None:
                yield from self._element(mine.element, theirs.element, below)
            else:
                yield from self._under_wildcard(name, theirs.element, reading.wildcards, below)
        yield from self._wildcards(reading.wildcards, writing.wildcards, path)
        for name, mine in reading.elements.items():
            if name in writing.elements:
                continue
            for wildcard in writing.wildcards:
                if wildcard.admits(namespace(name)):
                    yield from self._over_wildcard(mine.element, wildcard, f"{path}/{_step(name)}")
                    break

    def _under_wildcard(
        self, name: Name, theirs: Element, wildcards: tuple[Wildcard, ...], path: str
    ) -> Iterator[Difference]:
        """An element of the writer's that only wildcards of the reader's may take."""
        taking = [each for each in wildcards if each.admits(namespace(name))]
        if not taking or any(each.process == "skip" for each in taking):
            return
        declared = self._reader.elements.get(name)
        if declared is not None:
            yield from self._element(declared, theirs, path)
        elif all(each.process == "strict" for each in taking):
            yield Difference(
                "ELEMENT_REMOVED",
                path,
                f"the element {shown(name)} was removed; a strict wildcard takes it only where it is"
                " declared",
                'keep the element, or give the wildcard processContents="lax"',
            )

    def _over_wildcard(self, mine: Element, wildcard: Wildcard, path: str) -> Iterator[Difference]:
        """An element of the reader's where the writer's had a wildcard."""
        declared = self._writer.elements.get(mine.name)
        if declared is not None and wildcard.process != "skip":
            yield from self._element(mine, declared, path)
        elif wildcard.process != "strict" and self._reader.type_of(mine) != ANY_TYPE:
            yield Difference(
                "ELEMENT_ADDED_OVER_WILDCARD",
                path,
                f"the element {shown(mine.name)} is declared where any content was taken",
                "use another name or namespace, or the type xs:anyType",
            )

    def _wildcards(
        self, reader: tuple[Wildcard, ...], writer: tuple[Wildcard, ...], path: str
    ) -> Iterator[Difference]:
        """How strictly what wildcards take is looked at; what they take the models told."""
        for each in writer:
            rank = _STRICTNESS.index(each.process)
            over = [mine for mine in reader if _overlap(mine, each)]
            if over and all(_STRICTNESS.index(mine.process) > rank for mine in over):
                yield Difference(
                    "WILDCARD_STRICTER",
                    path,
                    f"xs:any had processContents={each.process} and has {over[0].process} now",
                    f"keep processContents={each.process}",
                )

    def _attributes(self, wide: Content, narrow: Content, path: str) -> Iterator[Difference]:
        for name, theirs in narrow.attributes.items():
            mine = wide.attributes.get(name)
            below = f"{path}/@{_step(name)}"
            if mine is not None:
                if mine.required and not theirs.required:
                    yield Difference(
                        "ATTRIBUTE_REQUIRED",
                        below,
                        f"the attribute {shown(name)} was optional and is required now",
                        'use="optional"',
                    )
                yield from self._attribute(mine, theirs, below)
                continue
            wildcard = wide.wildcard
            if wildcard is None or not wildcard.admits(namespace(name)):
                yield Difference(
                    "ATTRIBUTE_REMOVED",
                    below,
                    f"the attribute {shown(name)} was removed",
                    "keep the attribute",
                )
            elif wildcard.process != "skip":
                declared = self._reader.attributes.get(name)
                if declared is not None:
                    yield from self._attribute(declared, theirs, below)
                elif wildcard.process == "strict":
                    yield Difference(
                        "ATTRIBUTE_REMOVED",
                        below,
                        f"the attribute {shown(name)} was removed; a strict wildcard takes it only"
                        " where it is declared",
                        "keep the attribute",
                    )
        for name, mine in wide.attributes.items():
            if name in narrow.attributes:
                continue
            below = f"{path}/@{_step(name)}"
            if mine.required:
                yield Difference(
                    "REQUIRED_ATTRIBUTE_ADDED",
                    below,
                    f"the attribute {shown(name)} is new and required",
                    'use="optional"',
                )
            elif narrow.wildcard is not None and narrow.wildcard.admits(namespace(name)):
                values = values_of(self._reader, mine.type)
                if narrow.wildcard.process != "strict" and not (
                    takes_empty(values) and values.builtin in ("", "string", "token")
                ):
                    yield Difference(
                        "ATTRIBUTE_ADDED_OVER_WILDCARD",
                        below,
                        f"the attribute {shown(name)} is declared where any value was taken",
                        "use another name or namespace, or the type xs:string",
                    )
        if narrow.wildcard is not None:
            yield from _any_attribute(wide.wildcard, narrow.wildcard, path)

    def _attribute(self, reader: Attribute, writer: Attribute, path: str) -> Iterator[Difference]:
        yield from _fixed(f"the attribute {shown(writer.name)}", reader.fixed, writer.fixed, path)
        yield from _narrowed(
            values_of(self._reader, reader.type), values_of(self._writer, writer.type), path
        )

    def _described(self, model: Model, type_: Simple | Complex | Name) -> str:
        if isinstance(type_, Complex):
            return shown(type_.name) if type_.name else "a complex type"
        return describe(values_of(model, type_))


def _explained(
    reader: Mapping[Name, Occurrence],
    writer: Mapping[Name, Occurrence],
    wildcards: tuple[Wildcard, ...],
    path: str,
) -> Iterator[Difference]:
    """What a content model no longer takes, told by how often each element may stand."""
    for name, theirs in writer.items():
        mine = reader.get(name)
        below = f"{path}/{_step(name)}"
        if mine is None:
            if not any(each.admits(namespace(name)) for each in wildcards):
                yield Difference(
                    "ELEMENT_REMOVED",
                    below,
                    f"the element {shown(name)} was removed",
                    'keep the element; minOccurs="0" makes it optional',
                )
            continue
        if mine.least > theirs.least:
            yield Difference(
                "MIN_OCCURS_RAISED",
                below,
                f"the element {shown(name)} has to stand {mine.least} times or more,"
                f" it was {theirs.least}",
                f'minOccurs="{theirs.least}"',
            )
        if mine.most is not None and (theirs.most is None or theirs.most > mine.most):
            most = "unbounded" if theirs.most is None else str(theirs.most)
            yield Difference(
                "MAX_OCCURS_LOWERED",
                below,
                f"the element {shown(name)} may stand {mine.most} times at most, it was {most}",
                f'maxOccurs="{most}"',
            )
    for name, mine in reader.items():
        if name not in writer and mine.least > 0:
            yield Difference(
                "REQUIRED_ELEMENT_ADDED",
                f"{path}/{_step(name)}",
                f"the element {shown(name)} is new and required",
                'minOccurs="0"',
            )


def _rearranged(answer: object, path: str) -> Difference:
    """Each element may stand as often as before, but not in every order."""
    if isinstance(answer, Counterexample):
        names = [f"<{local(each)}/>" for each in answer.names[:10]]
        sequence = " ".join(names) if names else "no element at all"
        if len(answer.names) > 10:
            sequence += f" … ({len(answer.names)} elements)"
        message = (
            f"elements that were taken are refused now: {sequence}"
            if answer.is_complete
            else f"elements that were taken are refused now: what begins with {sequence}"
        )
    else:
        message = (
            "the content model was changed, and is too large to tell that it takes what it took"
        )
    return Difference(
        "CONTENT_MODEL_CHANGED",
        path,
        message,
        "keep the order and the groups; add elements as optional ones",
    )


def _narrowed(reader: Values, writer: Values, path: str) -> Iterator[Difference]:
    for each in narrowings(reader, writer):
        yield Difference(
            each.code,
            path,
            f"{each.facet}: it was {each.writer}, it is {each.reader} now",
            each.fix,
        )


def _fixed(what: str, reader: str | None, writer: str | None, path: str) -> Iterator[Difference]:
    if reader is not None and reader != writer:
        before = "any value" if writer is None else shortened(writer)
        yield Difference(
            "FIXED_CHANGED" if writer is not None else "FIXED_ADDED",
            path,
            f"{what}: its value is fixed to {shortened(reader)}, it was {before}",
            "leave fixed out; a default does not refuse other values",
        )


def _constraints(
    name: str, reader: Mapping[Name, str], writer: Mapping[Name, str], path: str
) -> Iterator[Difference]:
    for key, text in reader.items():
        if key not in writer:
            yield Difference(
                "IDENTITY_CONSTRAINT_ADDED",
                path,
                f"the element {name}: the {text.partition(' ')[0]} {shortened(key)} is new",
                "leave it out",
            )
        elif writer[key] != text:
            yield Difference(
                "IDENTITY_CONSTRAINT_CHANGED",
                path,
                f"the element {name}: the {text.partition(' ')[0]} {shortened(key)} was changed",
                "keep it as it was",
            )


def _any_attribute(reader: Wildcard | None, writer: Wildcard, path: str) -> Iterator[Difference]:
    if reader is None or not is_wider(reader, writer):
        yield Difference(
            "WILDCARD_NARROWED",
            path,
            "xs:anyAttribute took attributes of namespaces that are refused now",
            "keep xs:anyAttribute as it was",
        )
    elif _STRICTNESS.index(reader.process) > _STRICTNESS.index(writer.process):
        yield Difference(
            "WILDCARD_STRICTER",
            path,
            f"xs:anyAttribute had processContents={writer.process} and has {reader.process} now",
            f"keep processContents={writer.process}",
        )


def _overlap(one: Wildcard, other: Wildcard) -> bool:
    return any(
        one.admits(uri) and other.admits(uri)
        for uri in (*one.namespaces, *other.namespaces, "\0any other")
    )


def _step(name: Name) -> str:
    return local(name)

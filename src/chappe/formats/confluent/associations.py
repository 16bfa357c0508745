"""Associations: which resource (a topic) a subject belongs to, as key or as value.

A STRONG association means that the resource owns the subject: it is frozen, nothing else may have the
subject, and nothing may refer to its schemas. A WEAK one says only that the resource uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from chappe.formats.confluent.contracts import text_or_none
from chappe.formats.confluent.errors import bad_body, invalid_association
from chappe.formats.confluent.index import Index, Subject
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.requests import SchemaRequest, parse_schema

STRONG: Final = "STRONG"
WEAK: Final = "WEAK"
TOPIC: Final = "topic"
ANY_NAME: Final = "-"
"""Stands for any namespace, or any name, in a path."""

_TYPES: Final = ("key", "value")
_MOST_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Association:
    """One association, kept with its subject; times are in ms since 1970."""

    subject: str
    guid: str
    resource_name: str
    namespace: str
    resource_id: str
    resource_type: str
    type: str
    lifecycle: str
    frozen: bool
    created: int
    updated: int

    @property
    def order(self) -> tuple[str, str, str, str, str]:
        """Where it stands in lists."""
        return (self.resource_name, self.namespace, self.resource_type, self.type, self.subject)

    def stored(self) -> Mapping[str, Any]:
        """As it lies in its subject's private attribute."""
        return {name: value for name, value in asdict(self).items() if name != "subject"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request says of one association; None where it says nothing."""

    type: str
    subject: str | None = None
    lifecycle: str | None = None
    frozen: bool | None = None
    schema: SchemaRequest | None = None
    normalize: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """An association that a batch takes away."""

    type: str
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """What a request says of a resource; `is_create`: none of them may be there."""

    resource_name: str
    namespace: str
    resource_id: str | None
    resource_type: str
    wishes: Sequence[Wish]
    is_create: bool

    def default_subject(self, type: str) -> str:
        """The subject of a STRONG association of the type."""
        return f":.{self.namespace}:{self.resource_name}-{type}"


def associations_of(subject: Subject) -> list[Association]:
    """What a subject belongs to."""
    found = [Association(subject.name.text, **one) for one in subject.associations]
    return sorted(found, key=lambda one: one.order)


def of_subject(index: Index, name: Name) -> list[Association]:
    """The same by name; nothing where there is no such subject."""
    subject = index.subject(name)
    return [] if subject is None else associations_of(subject)


def every(index: Index) -> list[Association]:
    """All there are."""
    found = [one for subject in index.associated.values() for one in associations_of(subject)]
    return sorted(found, key=lambda one: one.order)


def of_resource(index: Index, id: str | None, type: str | None) -> list[Association]:
    """Those of one resource."""
    return [
        one
        for one in every(index)
        if one.resource_id == id and (type is None or one.resource_type == type)
    ]


def of_named(index: Index, namespace: str, name: str) -> list[Association]:
    """Those of the resources of a name; "-" stands for any."""
    return [
        one
        for one in every(index)
        if name in (one.resource_name, ANY_NAME) and namespace in (one.namespace, ANY_NAME)
    ]


def filtered(
    found: Iterable[Association], types: Sequence[str], kind: str | None, lifecycle: str | None
) -> list[Association]:
    """Those of the types, the type of resource and the lifecycle; nothing: any."""
    return [
        one
        for one in found
        if (not types or one.type in types)
        and (kind is None or one.resource_type == kind)
        and (lifecycle is None or one.lifecycle == lifecycle)
    ]


def association_body(one: Association) -> dict[str, Any]:
    """As JSON; `frozen` only where it is not what the lifecycle means."""
    body: dict[str, Any] = {
        "subject": one.subject,
        "guid": one.guid,
        "resourceName": one.resource_name,
        "resourceNamespace": one.namespace,
        "resourceId": one.resource_id,
        "resourceType": one.resource_type,
        "associationType": one.type,
        "lifecycle": one.lifecycle,
    }
    if one.frozen != (one.lifecycle == STRONG):
        body["frozen"] = one.frozen
    return body | {"createTs": one.created, "updateTs": one.updated}


def parse_lifecycle(value: object) -> str | None:
    """STRONG or WEAK; None for null.

    Raises:
        Refused: it is neither.
    """
    text = text_or_none(value, "lifecycle")
    if text is not None and text not in (STRONG, WEAK):
        raise bad_body(f"lifecycle: '{text}' is none of STRONG, WEAK")
    return text


def parse_associations(
    document: Mapping[str, Any],
    *,
    is_create: bool,
    dry_run: bool,
    resource_id: str | None = None,
) -> AssociationRequest:
    """What a request says of a resource's associations.

    Raises:
        Refused: something is missing or wrong.
    """
    request = parse_resource(document, dry_run=dry_run, resource_id=resource_id)
    infos = document.get("associations")
    if not isinstance(infos, list) or not infos:
        raise invalid_association("associations", "cannot be null or empty")
    wishes = [parse_wish(one, request, is_create=is_create) for one in infos]
    return replace(request, wishes=wishes, is_create=is_create)


def parse_resource(
    document: Mapping[str, Any], *, dry_run: bool, resource_id: str | None = None
) -> AssociationRequest:
    """Which resource a request is about.

    Raises:
        Refused: a name is wrong, or its id is missing.
    """
    name = _name(document.get("resourceName"), "resourceName")
    namespace = _name(document.get("resourceNamespace"), "resourceNamespace")
    id_ = text_or_none(document.get("resourceId"), "resourceId") or resource_id
    if not id_ and not dry_run:
        raise invalid_association("resourceId", "cannot be null or empty")
    type_ = text_or_none(document.get("resourceType"), "resourceType") or TOPIC
    if type_ != TOPIC:
        raise invalid_association("resourceType", f"must be '{TOPIC}'")
    return AssociationRequest(name, namespace, id_ or None, type_, (), is_create=False)


def parse_type(document: Mapping[str, Any]) -> str:
    """The association's type.

    Raises:
        Refused: it is neither key nor value.
    """
    type_ = text_or_none(document.get("associationType"), "associationType") or "value"
    if type_ not in _TYPES:
        raise invalid_association("associationType", "must be either 'key' or 'value'")
    return type_


def parse_wish(value: object, request: AssociationRequest, *, is_create: bool) -> Wish:
    """One association as it was sent, with what a creation means without saying it.

    Raises:
        Refused: parts of it contradict each other.
    """
    if not isinstance(value, dict):
        raise bad_body("associations: an object is needed")
    subject = text_or_none(value.get("subject"), "subject")
    if subject is not None and (not subject or any(ord(one) < 32 for one in subject)):
        raise invalid_association("subject", "must not be empty")
    schema = None if value.get("schema") is None else parse_schema(value["schema"])
    frozen = value.get("frozen")
    wish = Wish(
        "value",
        subject,
        parse_lifecycle(value.get("lifecycle")),
        frozen if isinstance(frozen, bool) else None,
        schema,
        value.get("normalize") is True,
    )
    if is_create:
        wish = with_defaults(wish, is_create=True)
    wish = replace(wish, type=parse_type(value))
    if wish.lifecycle == WEAK:
        if wish.schema is not None:
            raise invalid_association("lifecycle", "cannot be WEAK when schema is provided")
        if wish.frozen:
            raise invalid_association(
                "frozen", "association with lifecycle of WEAK cannot be frozen"
            )
        if is_create and wish.subject is None:
            raise invalid_association("subject", "must be provided for WEAK associations")
    if not is_create:
        return wish
    default = request.default_subject(wish.type)
    wish = replace(wish, subject=wish.subject or default)
    if wish.frozen and wish.subject != default:
        raise invalid_association("subject", f"frozen associations must use subject '{default}'")
    if wish.lifecycle == WEAK and wish.subject == default:
        raise invalid_association("subject", f"WEAK associations cannot use subject '{default}'")
    return wish


def with_defaults(wish: Wish, *, is_create: bool) -> Wish:
    """What an association that is not there yet means without saying it.

    Raises:
        Refused: parts of it contradict each other.
    """
    lifecycle = wish.lifecycle
    if wish.schema is not None:
        if not is_create:
            raise invalid_association(
                "schema",
                "cannot be provided when adding an association to an existing topic; "
                "an association with a schema must be created with the topic",
            )
        if lifecycle == WEAK:
            raise invalid_association("lifecycle", "cannot be WEAK when schema is provided")
        if wish.frozen is False:
            raise invalid_association("frozen", "cannot be false when a schema is provided")
        lifecycle = STRONG
    lifecycle = lifecycle or WEAK
    frozen = lifecycle == STRONG
    if wish.frozen is not None and wish.frozen != frozen:
        raise invalid_association("frozen", contradiction(lifecycle, frozen=wish.frozen))
    return replace(wish, lifecycle=lifecycle, frozen=frozen)


def contradiction(lifecycle: str, *, frozen: bool) -> str:
    """What is wrong with a lifecycle and `frozen` together."""
    shown = "true" if frozen else "false"
    return f"association with lifecycle of {lifecycle} cannot be frozen={shown}"


def _name(value: object, where: str) -> str:
    text = text_or_none(value, where)
    if not text:
        raise invalid_association(where, "cannot be null or empty")
    if len(text) > _MOST_NAME:
        raise invalid_association(where, f"exceeds max length of {_MOST_NAME}")
    for one in text:
        if not (one.isalnum() or one in "_-"):
            raise invalid_association(where, f"illegal character '{one}'")
    return text

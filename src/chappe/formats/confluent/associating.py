"""Making, changing and taking away associations, with the schemas that come along."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from chappe.formats.confluent.association_checks import (
    check_schema,
    check_subject,
    check_uniform,
    present_of,
    require_open,
    settled,
)
from chappe.formats.confluent.associations import (
    STRONG,
    WEAK,
    Association,
    AssociationRequest,
    Deletion,
    Wish,
    association_body,
    of_resource,
    of_subject,
)
from chappe.formats.confluent.bodies import found_body
from chappe.formats.confluent.deleting import delete_subject
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import (
    association_frozen,
    association_not_found,
    invalid_association,
)
from chappe.formats.confluent.index import Index
from chappe.formats.confluent.looking import Found
from chappe.formats.confluent.names import Name, parse_name
from chappe.formats.confluent.parsing import Parser
from chappe.formats.confluent.registering import Registration, register
from chappe.formats.confluent.scope import alias_of, mode_in_scope
from chappe.formats.confluent.settings import IMPORT


@dataclass(frozen=True, slots=True)
class Associated:
    """What a request came to: associations, and the schemas registered with them by type."""

    request: AssociationRequest
    associations: Sequence[Association] = ()
    schemas: Mapping[str, Found] | None = None

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        request = self.request
        body: dict[str, Any] = {
            "resourceName": request.resource_name,
            "resourceNamespace": request.namespace,
            "resourceId": request.resource_id,
            "resourceType": request.resource_type,
            "associations": [self._one(one) for one in self.associations],
        }
        return {name: value for name, value in body.items() if value}

    def _one(self, one: Association) -> dict[str, Any]:
        whole = association_body(one)
        names = ("subject", "associationType", "lifecycle", "frozen")
        body = {name: whole[name] for name in names if name in whole}
        found = (self.schemas or {}).get(one.type)
        return body if found is None else {**body, "schema": found_body(found)}


def associate(
    edit: Edit, parser: Parser, request: AssociationRequest, context: Name, *, dry_run: bool
) -> Associated:
    """Make or change a resource's associations; as they are then. A dry run only checks.

    Raises:
        Refused: they contradict each other, or what there is.
    """
    index = edit.index
    request = _aliased(index, request, context)
    types = [wish.type for wish in request.wishes]
    for type_ in types:
        if types.count(type_) > 1:
            raise invalid_association(
                "associationType",
                f"may only appear once per request, but '{type_}' appears more than once",
            )
    present = present_of(index, request, dry_run=dry_run)
    wishes: list[Wish] = []
    skipped: set[str] = set()
    for wish in request.wishes:
        done = settled(index, parser, request, wish, present.get(wish.type))
        wishes.append(done[0])
        if done[1]:
            skipped.add(wish.type)
    request = replace(request, wishes=wishes)
    check_uniform(index, request, present)
    for wish in wishes:
        check_subject(index, request, wish, present.get(wish.type))
    for wish in wishes:
        if wish.schema is not None:
            check_schema(index, parser, wish)
    if dry_run:
        return Associated(request)
    schemas: dict[str, Found] = {}
    for wish in wishes:
        name = parse_name(wish.subject or "")
        if wish.schema is not None and mode_in_scope(edit.index, name) != IMPORT:
            wanted = Registration(name, wish.schema, wish.normalize)
            schemas[wish.type] = register(edit, parser, wanted)
    made = [
        _store(edit, request, wish, present.get(wish.type))
        for wish in wishes
        if wish.type not in skipped
    ]
    return Associated(request, made, schemas)


def dissociate(
    edit: Edit,
    resource_id: str,
    resource_type: str | None,
    types: Sequence[str],
    *,
    cascade: bool,
    dry_run: bool,
) -> None:
    """Take associations away, with `cascade` also the subjects that the resource owns.

    Raises:
        Refused: one is frozen, or read-only.
    """
    found = [
        one
        for one in of_resource(edit.index, resource_id, resource_type)
        if not types or one.type in types
    ]
    for one in found:
        require_open(edit.index, parse_name(one.subject))
        if one.frozen and not cascade:
            raise association_frozen(one.type, one.subject)
    if dry_run:
        return
    for one in found:
        name = parse_name(one.subject)
        _put(edit, name, [other for other in of_subject(edit.index, name) if other != one])
        owned = one.lifecycle == STRONG and mode_in_scope(edit.index, name) != IMPORT
        subject = edit.index.subject(name)
        if cascade and owned and subject is not None:
            if subject.latest is not None:
                delete_subject(edit, name, permanent=False)
            delete_subject(edit, name, permanent=True)


def dissociate_known(
    edit: Edit,
    resource_id: str,
    resource_type: str,
    types: Sequence[str],
    *,
    cascade: bool,
    dry_run: bool,
) -> None:
    """The same, for associations that must be there.

    Raises:
        Refused: there are none.
    """
    found = of_resource(edit.index, resource_id, resource_type)
    if not any(not types or one.type in types for one in found):
        raise association_not_found(resource_id)
    dissociate(edit, resource_id, resource_type, types, cascade=cascade, dry_run=dry_run)


def batch(
    edit: Edit,
    parser: Parser,
    request: AssociationRequest,
    steps: Sequence[Wish | Deletion],
    creates: Sequence[bool],
    context: Name,
    *,
    dry_run: bool,
) -> Associated:
    """One entry of a batch: adjacent creations, or changes, are done as one request.

    Raises:
        Refused: a step cannot be done.
    """
    schemas: dict[str, Found] = {}
    at = 0
    while at < len(steps):
        step = steps[at]
        if isinstance(step, Deletion):
            id_ = request.resource_id or ""
            dissociate(
                edit,
                id_,
                request.resource_type,
                [step.type],
                cascade=step.cascade,
                dry_run=dry_run,
            )
            at += 1
            continue
        run = [step]
        while (
            at + len(run) < len(steps)
            and isinstance(other := steps[at + len(run)], Wish)
            and creates[at + len(run)] == creates[at]
        ):
            run.append(other)
        part = replace(request, wishes=run, is_create=creates[at])
        done = associate(edit, parser, part, context, dry_run=dry_run)
        schemas |= done.schemas or {}
        at += len(run)
    found = [] if dry_run else of_resource(edit.index, request.resource_id, request.resource_type)
    return Associated(request, found, schemas)


def _aliased(index: Index, request: AssociationRequest, context: Name) -> AssociationRequest:
    """The request with what aliases stand for; its subjects in the context of its path."""
    wishes: list[Wish] = []
    for wish in request.wishes:
        if wish.subject is None:
            wishes.append(wish)
            continue
        name = alias_of(index, context.beside(wish.subject))
        require_open(index, name)
        wishes.append(replace(wish, subject=name.text))
    return replace(request, wishes=wishes)


def _store(
    edit: Edit, request: AssociationRequest, wish: Wish, present: Association | None
) -> Association:
    assert wish.subject is not None
    if present is None:
        made = Association(
            wish.subject,
            _guid(request, wish, edit.now_ms),
            request.resource_name,
            request.namespace,
            request.resource_id or "",
            request.resource_type,
            wish.type,
            wish.lifecycle or WEAK,
            bool(wish.frozen),
            edit.now_ms,
            edit.now_ms,
        )
    else:
        made = replace(
            present,
            lifecycle=wish.lifecycle or present.lifecycle,
            frozen=present.frozen if wish.frozen is None else wish.frozen,
            updated=edit.now_ms,
        )
    name = parse_name(wish.subject)
    others = [
        one
        for one in of_subject(edit.index, name)
        if (one.resource_id, one.type) != (made.resource_id, made.type)
    ]
    _put(edit, name, [*others, made])
    return made


def _put(edit: Edit, name: Name, associations: Sequence[Association]) -> None:
    subject = edit.index.subject(name)
    assert subject is not None, name
    edit.associate(subject, [one.stored() for one in associations])


def _guid(request: AssociationRequest, wish: Wish, now_ms: int) -> str:
    """Made of what it is and when: time and subject make it another one each time."""
    text = f"{request.resource_id}\n{wish.type}\n{wish.subject}\n{now_ms}"
    return str(UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest(), version=4))

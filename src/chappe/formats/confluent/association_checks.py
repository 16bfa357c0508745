"""What associations may be: together, with what there is, and with their subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chappe.formats.confluent.associations import (
    STRONG,
    WEAK,
    Association,
    AssociationRequest,
    Wish,
    contradiction,
    of_named,
    of_resource,
    of_subject,
    with_defaults,
)
from chappe.formats.confluent.comparing import check, java_list
from chappe.formats.confluent.deleting import referrers
from chappe.formats.confluent.errors import (
    Refused,
    association_frozen,
    invalid_association,
    no_active_version,
    not_permitted,
    reference_exists,
    resource_associated,
    strongly_associated,
    subject_associated,
)
from chappe.formats.confluent.index import Index
from chappe.formats.confluent.looking import look_up
from chappe.formats.confluent.names import Name, parse_name
from chappe.formats.confluent.parsing import Parser
from chappe.formats.confluent.scope import mode_in_scope
from chappe.formats.confluent.settings import IMPORT, READONLY, READONLY_OVERRIDE


def require_open(index: Index, name: Name) -> None:
    if mode_in_scope(index, name) in (READONLY, READONLY_OVERRIDE):
        raise not_permitted(
            f"Subject {name.subject} in context {name.context} is in read-only mode"
        )


def present_of(
    index: Index, request: AssociationRequest, *, dry_run: bool
) -> dict[str, Association]:
    """The resource's associations by type; by its name where a dry run has no id yet."""
    found = of_resource(index, request.resource_id, request.resource_type)
    if request.resource_id is None and request.is_create and dry_run:
        found = _newest(of_named(index, request.namespace, request.resource_name))
    return {one.type: one for one in found}


def _newest(found: Sequence[Association]) -> list[Association]:
    """Those of the resource that was changed last, where several have the name."""
    if not found:
        return []
    last = max(found, key=lambda one: (one.updated, one.created, one.resource_id))
    return [one for one in found if one.resource_id == last.resource_id]


def settled(
    index: Index,
    parser: Parser,
    request: AssociationRequest,
    wish: Wish,
    present: Association | None,
) -> tuple[Wish, bool]:
    """A wish with all that it means, and whether it is fulfilled already."""
    if present is None and not request.is_create:
        wish = with_defaults(wish, is_create=False)
    default = request.default_subject(wish.type)
    if wish.subject is None:
        if present is not None:
            wish = replace(wish, subject=present.subject)
        elif wish.lifecycle == STRONG:
            wish = replace(wish, subject=default)
        else:
            raise invalid_association("subject", "must be provided for WEAK associations")
    assert wish.subject is not None
    lifecycle = wish.lifecycle or (None if present is None else present.lifecycle)
    if lifecycle is None:
        raise invalid_association("lifecycle", "lifecycle must be set")
    if lifecycle == WEAK:
        if wish.schema is not None:
            raise invalid_association("lifecycle", "cannot be WEAK when schema is provided")
        if wish.subject == default:
            raise invalid_association(
                "subject", f"WEAK associations cannot use subject '{default}'"
            )
    frozen = bool(wish.frozen) if present is None else present.frozen
    asked = frozen if wish.frozen is None else wish.frozen
    if asked != (lifecycle == STRONG):
        raise invalid_association("frozen", contradiction(lifecycle, frozen=asked))
    if frozen and wish.subject != default:
        raise invalid_association("subject", f"frozen associations must use subject '{default}'")
    if present is None:
        _check_new(index, parser, request, wish, lifecycle)
        return wish, False
    if _is_equivalent(present, wish):
        if (
            request.is_create
            and wish.schema is not None
            and not _is_registered(index, parser, wish)
        ):
            raise resource_associated(present.type, present.resource_name)
        return wish, True
    _check_change(request, wish, present, default)
    return wish, False


def _check_new(
    index: Index, parser: Parser, request: AssociationRequest, wish: Wish, lifecycle: str
) -> None:
    name = parse_name(wish.subject or "")
    if mode_in_scope(index, name) == IMPORT:
        return
    if not request.is_create and lifecycle == STRONG:
        raise invalid_association(
            "lifecycle",
            "cannot be STRONG when creating an association; "
            "STRONG associations must be created with the topic",
        )
    if not wish.frozen:
        return
    if request.is_create and wish.schema is None:
        raise invalid_association(
            "schema", "schema must be provided when creating a frozen association"
        )
    subject = index.subject(name)
    latest = None if subject is None else subject.latest
    if latest is None:
        return
    if wish.schema is None or latest.version != 1 or not _is_registered(index, parser, wish):
        raise invalid_association(
            "frozen",
            "cannot create a frozen association when schemas already exist in the subject",
        )


def _check_change(
    request: AssociationRequest, wish: Wish, present: Association, default: str
) -> None:
    if request.is_create:
        raise resource_associated(present.type, present.resource_name)
    if wish.lifecycle is None and wish.schema is None:
        raise invalid_association(
            "lifecycle", "at least lifecycle or schema must be provided for update"
        )
    if wish.subject != present.subject:
        raise invalid_association(
            "subject",
            f"subject of association cannot be changed from '{present.subject}' to"
            f" '{wish.subject}'",
        )
    if present.lifecycle == STRONG and wish.lifecycle == WEAK and present.subject == default:
        raise invalid_association(
            "lifecycle", f"cannot change to WEAK when subject matches default format '{default}'"
        )
    if wish.frozen is not None and wish.frozen != present.frozen:
        raise invalid_association("frozen", "frozen attribute of association cannot be changed")
    if present.frozen:
        raise association_frozen(present.type, present.subject)


def _is_equivalent(present: Association, wish: Wish) -> bool:
    return (
        present.subject == wish.subject
        and wish.lifecycle in (None, present.lifecycle)
        and wish.frozen in (None, present.frozen)
    )


def _is_registered(index: Index, parser: Parser, wish: Wish) -> bool:
    assert wish.schema is not None
    assert wish.subject is not None
    try:
        look_up(
            index,
            parser,
            parse_name(wish.subject),
            wish.schema,
            normalize=wish.normalize,
            deleted=False,
        )
    except Refused:
        return False
    return True


def check_uniform(
    index: Index, request: AssociationRequest, present: Mapping[str, Association]
) -> None:
    """All associations of a resource have one lifecycle."""
    if request.resource_id is None:
        known = _newest(of_named(index, request.namespace, request.resource_name))
    else:
        known = of_resource(index, request.resource_id, request.resource_type)
    lifecycles = {one.type: one.lifecycle for one in known}
    for wish in request.wishes:
        lifecycle = wish.lifecycle or lifecycles.get(wish.type)
        if lifecycle is not None:
            lifecycles[wish.type] = lifecycle
    if len(set(lifecycles.values())) > 1:
        shown = ", ".join(f"{type_}={one}" for type_, one in lifecycles.items())
        raise invalid_association(
            "lifecycle",
            f"all associations for a resource must have the same lifecycle, but got {shown}",
        )


def check_subject(
    index: Index, request: AssociationRequest, wish: Wish, present: Association | None
) -> None:
    assert wish.subject is not None
    name = parse_name(wish.subject)
    subject = index.subject(name)
    if wish.schema is not None and mode_in_scope(index, name) == IMPORT:
        raise invalid_association(
            "schema", f"cannot be provided while subject '{wish.subject}' is in IMPORT mode"
        )
    if wish.schema is None and (subject is None or subject.latest is None):
        raise no_active_version(wish.subject)
    others = [
        one
        for one in of_subject(index, name)
        if present is None or (one.resource_id, one.type) != (present.resource_id, present.type)
    ]
    lifecycle = wish.lifecycle or (None if present is None else present.lifecycle)
    if lifecycle == STRONG:
        if others:
            raise subject_associated(wish.subject)
        versions = () if subject is None else subject.versions
        if any(referrers(index, one, deleted=True) for one in versions):
            raise reference_exists(wish.subject)
        for other in request.wishes:
            for one in () if other.schema is None else other.schema.references:
                if parse_name(other.subject or "").beside(one.subject) == name:
                    raise reference_exists(wish.subject)
    elif any(one.lifecycle == STRONG for one in others):
        raise strongly_associated(wish.subject)


def check_schema(index: Index, parser: Parser, wish: Wish) -> None:
    assert wish.subject is not None
    assert wish.schema is not None
    faults = check(
        index,
        parser,
        parse_name(wish.subject),
        wish.schema,
        version=None,
        normalize=wish.normalize,
        verbose=False,
    )
    if faults:
        raise Refused(409, 409, java_list(faults))

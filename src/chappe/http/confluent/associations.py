"""Associations of resources and subjects: /associations…."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from chappe.flows.confluent import Confluent
from chappe.formats.confluent.associating import (
    Associated,
    associate,
    batch,
    dissociate_known,
)
from chappe.formats.confluent.associations import (
    TOPIC,
    AssociationRequest,
    Deletion,
    Wish,
    association_body,
    filtered,
    of_named,
    of_resource,
    of_subject,
    parse_associations,
    parse_lifecycle,
    parse_resource,
    parse_type,
    parse_wish,
)
from chappe.formats.confluent.bodies import version_body
from chappe.formats.confluent.contracts import text_or_none
from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import Refused, bad_body, invalid_association
from chappe.formats.confluent.names import Name, parse_name
from chappe.formats.confluent.requests import parse_object
from chappe.formats.confluent.scope import alias_of
from chappe.http.confluent.asked import Asked
from chappe.http.confluent.paging import page

MULTI_STATUS = 207


async def by_subject(confluent: Confluent, asked: Asked) -> Any:
    """What a subject belongs to."""
    index = confluent.index()
    found = of_subject(index, alias_of(index, parse_name(asked.params["subject"])))
    return _listed(found, asked)


async def by_name(confluent: Confluent, asked: Asked) -> Any:
    """The associations of the resources of a name; "-" stands for any."""
    found = of_named(confluent.index(), asked.params["namespace"], asked.params["name"])
    return _listed(found, asked)


async def by_resource(confluent: Confluent, asked: Asked) -> Any:
    """The associations of a resource."""
    return _listed(of_resource(confluent.index(), asked.params["resource"], None), asked)


async def create(confluent: Confluent, asked: Asked) -> Any:
    """Make associations of a resource."""
    dry_run = asked.flag("dryRun")
    request = parse_associations(parse_object(asked.body), is_create=True, dry_run=dry_run)
    return await _associate(confluent, asked, request)


async def put(confluent: Confluent, asked: Asked) -> Any:
    """Make or change associations of a resource."""
    document, id_ = parse_object(asked.body), asked.params["resource"]
    sent = document.get("resourceId")
    if sent is not None and sent != id_:
        raise invalid_association("resourceId", "does not match the resourceId in the path")
    request = parse_associations(
        document, is_create=False, dry_run=asked.flag("dryRun"), resource_id=id_
    )
    return await _associate(confluent, asked, request)


async def delete(confluent: Confluent, asked: Asked) -> Any:
    """Take associations of a resource away."""
    id_, kind = asked.params["resource"], asked.text("resourceType") or TOPIC
    types, dry_run = asked.texts("associationType"), asked.flag("dryRun")
    cascade = asked.flag("cascadeLifecycle")
    await confluent.write(
        lambda edit: dissociate_known(edit, id_, kind, types, cascade=cascade, dry_run=dry_run),
        by=asked.by,
    )
    return None


async def batch_get(confluent: Confluent, asked: Asked) -> Any:
    """The associations of several resources."""
    with_schemas, index = asked.flag("includeSchemas"), confluent.index()
    results: list[dict[str, Any]] = []
    for one in _requests(asked):
        try:
            kind = one.get("resourceType") or TOPIC
            id_ = text_or_none(one.get("resourceId"), "resourceId")
            name = text_or_none(one.get("resourceName"), "resourceName") or ""
            namespace = text_or_none(one.get("resourceNamespace"), "resourceNamespace") or ""
            if not id_ and not name:
                raise invalid_association(
                    "resourceId", "either resourceId or resourceName must be specified"
                )
            if name and not namespace:
                raise invalid_association(
                    "resourceNamespace",
                    "resourceNamespace is required when resourceName is specified",
                )
            types = one.get("associationTypes") or []
            lifecycle = parse_lifecycle(one.get("lifecycle"))
            found = filtered(
                of_resource(index, id_, kind) if id_ else of_named(index, namespace, name),
                types,
                kind,
                lifecycle,
            )
            first = found[0] if found else None
            request = AssociationRequest(
                name or (first.resource_name if first else ""),
                namespace or (first.namespace if first else ""),
                id_ or (first.resource_id if first else None),
                kind,
                (),
                is_create=False,
            )
            shown = Associated(request, found).shown()
            for body in shown.get("associations", ()) if with_schemas else ():
                subject = index.subject(parse_name(body["subject"]))
                if subject is not None and subject.latest is not None:
                    body["schema"] = version_body(subject.latest)
            results.append({"result": shown})
        except Refused as error:
            message = f"Error while getting associations: {error.message}"
            results.append({"error": {"error_code": 500, "message": message}})
    return MULTI_STATUS, {"results": results}


async def batch_mutate(confluent: Confluent, asked: Asked) -> Any:
    """Make, change and take away associations of several resources, each all or nothing."""
    dry_run, context = asked.flag("dryRun"), _context(asked)
    requests = _requests(asked)

    def decide(edit: Edit) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        for one in requests:
            step = partial(_step, confluent, edit, one, context, dry_run=dry_run)
            try:
                done = edit.attempt(step)
                results.append({"result": done.shown()})
            except Refused as error:
                results.append(
                    {"error": {"error_code": error.error_code, "message": error.message}}
                )
        return results

    return MULTI_STATUS, {"results": await confluent.write(decide, by=asked.by)}


def _step(
    confluent: Confluent, edit: Edit, document: Mapping[str, Any], context: Name, *, dry_run: bool
) -> Associated:
    request = parse_resource(document, dry_run=dry_run)
    ops = document.get("associations")
    if not isinstance(ops, list) or not ops:
        raise invalid_association("associations", "cannot be null or empty")
    steps: list[Wish | Deletion] = []
    creates: list[bool] = []
    for op in ops:
        if not isinstance(op, dict) or op.get("opType") not in ("CREATE", "UPSERT", "DELETE"):
            raise bad_body("opType: must be CREATE, UPSERT or DELETE")
        creates.append(op["opType"] == "CREATE")
        if op["opType"] == "DELETE":
            steps.append(Deletion(parse_type(op), op.get("cascadeLifecycle") is True))
        else:
            steps.append(parse_wish(op, request, is_create=creates[-1]))
    types = [step.type for step in steps]
    for type_ in types:
        if types.count(type_) > 1:
            raise invalid_association(
                "associationType",
                f"may only appear once per request, but '{type_}' appears more than once",
            )
    return batch(edit, confluent.parser, request, steps, creates, context, dry_run=dry_run)


async def _associate(
    confluent: Confluent, asked: Asked, request: AssociationRequest
) -> dict[str, Any]:
    dry_run, context = asked.flag("dryRun"), _context(asked)
    done = await confluent.write(
        lambda edit: associate(edit, confluent.parser, request, context, dry_run=dry_run),
        by=asked.by,
    )
    return done.shown()


def _context(asked: Asked) -> Name:
    """The context that subjects without one are in."""
    return Name(parse_name(asked.text("context") or "").context)


def _requests(asked: Asked) -> list[Mapping[str, Any]]:
    requests = parse_object(asked.body).get("requests")
    if not isinstance(requests, list) or not requests:
        raise invalid_association("requests", "cannot be null or empty")
    if not all(isinstance(one, dict) for one in requests):
        raise bad_body("requests: objects are needed")
    return requests


def _listed(found: list[Any], asked: Asked) -> list[dict[str, Any]]:
    lifecycle = asked.text("lifecycle")
    types = asked.texts("associationType")
    kind = asked.text("resourceType") or TOPIC
    shown = filtered(found, types, kind, None if lifecycle is None else lifecycle.upper())
    return page([association_body(one) for one in shown], asked, most=1000)

"""The operations of the Schema Registry API, and the way from a path to one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from chappe.domain.access import ADMIN, READ, SUBSCRIBE, Right
from chappe.flows.confluent import Confluent
from chappe.formats.confluent.errors import NoSuchMethod
from chappe.http.confluent import associations, schemas, server, settings, subjects
from chappe.http.confluent.asked import Asked, not_found

Handler: TypeAlias = Callable[[Confluent, Asked], Awaitable[Any]]
"""Gives what is answered: a JSON value, bytes as they are, (status, value), or None for 204."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path: who may, and what does it."""

    right: Right
    handler: Handler


_CONFIG: Final = {
    "GET": Operation(READ, settings.get_config),
    "PUT": Operation(SUBSCRIBE, settings.put_config),
    "DELETE": Operation(SUBSCRIBE, settings.delete_config),
}
_MODE: Final = {
    "GET": Operation(READ, settings.get_mode),
    "PUT": Operation(SUBSCRIBE, settings.put_mode),
    "DELETE": Operation(SUBSCRIBE, settings.delete_mode),
}


def _get(handler: Handler) -> Mapping[str, Operation]:
    return {"GET": Operation(READ, handler)}


ROUTES: Final[Mapping[str, Mapping[str, Operation]]] = {
    "": {"GET": Operation(READ, server.root), "POST": Operation(READ, server.root)},
    "subjects": _get(subjects.list_subjects),
    "subjects/{subject}": {
        "POST": Operation(READ, subjects.look_up_schema),
        "DELETE": Operation(SUBSCRIBE, subjects.delete_one),
    },
    "subjects/{subject}/metadata": _get(subjects.with_metadata),
    "subjects/{subject}/versions": {
        "GET": Operation(READ, subjects.list_versions),
        "POST": Operation(SUBSCRIBE, subjects.register),
    },
    "subjects/{subject}/versions/{version}": {
        "GET": Operation(READ, subjects.one_version),
        "DELETE": Operation(SUBSCRIBE, subjects.delete_one_version),
    },
    "subjects/{subject}/versions/{version}/schema": _get(subjects.version_text),
    "subjects/{subject}/versions/{version}/referencedby": _get(subjects.referenced_by),
    "subjects/{subject}/versions/{version}/tags": {
        "POST": Operation(SUBSCRIBE, subjects.tag_version)
    },
    "schemas": _get(schemas.list_schemas),
    "schemas/types": _get(schemas.types),
    "schemas/ids/{id}": _get(schemas.by_id),
    "schemas/ids/{id}/schema": _get(schemas.text_by_id),
    "schemas/ids/{id}/subjects": _get(schemas.subjects_by_id),
    "schemas/ids/{id}/versions": _get(schemas.versions_by_id),
    "schemas/guids/{guid}": _get(schemas.by_guid),
    "schemas/guids/{guid}/ids": _get(schemas.ids_by_guid),
    "compatibility/subjects/{subject}/versions": {"POST": Operation(READ, subjects.compare_all)},
    "compatibility/subjects/{subject}/versions/{version}": {
        "POST": Operation(READ, subjects.compare_version)
    },
    "config": _CONFIG,
    "config/{subject}": _CONFIG,
    "mode": _MODE,
    "mode/{subject}": _MODE,
    "contexts": _get(server.list_contexts),
    "contexts/{context}": {"DELETE": Operation(SUBSCRIBE, server.delete_one_context)},
    "associations": {"POST": Operation(SUBSCRIBE, associations.create)},
    "associations/subjects/{subject}": _get(associations.by_subject),
    "associations/resources/{resource}": {
        "GET": Operation(READ, associations.by_resource),
        "PUT": Operation(SUBSCRIBE, associations.put),
        "DELETE": Operation(SUBSCRIBE, associations.delete),
    },
    "associations/resources/{namespace}/{name}": _get(associations.by_name),
    "associations:batch": {"POST": Operation(SUBSCRIBE, associations.batch_mutate)},
    "associations:batchGet": {"POST": Operation(READ, associations.batch_get)},
    "associations:batchMutate": {"POST": Operation(SUBSCRIBE, associations.batch_mutate)},
    "v1/metadata/id": _get(server.cluster_id),
    "v1/metadata/version": _get(server.version),
    "v1/metadata/deployment": _get(server.deployment),
}


def find(asked: Asked) -> Operation:
    """The operation that is asked for; the path's parts are put into `asked.params`.

    Raises:
        Refused: there is no such path; NoSuchMethod where it has no such method.
    """
    method = "GET" if asked.method == "HEAD" else asked.method
    operations = _at(asked)
    operation = operations.get(method)
    if operation is None:
        raise NoSuchMethod(_allow(operations))
    return operation


def methods(asked: Asked) -> Sequence[str]:
    """The methods of a path.

    Raises:
        Refused: there is no such path.
    """
    return _allow(_at(asked))


def right_for(operation: Operation, asked: Asked) -> Right:
    """What the caller needs: what holds for everything is for administrators to set."""
    if operation.right == SUBSCRIBE and asked.segments[:1] in (["config"], ["mode"]):
        name = settings.scope_of(asked)
        if not name.subject:
            return ADMIN
    return operation.right


def _at(asked: Asked) -> Mapping[str, Operation]:
    for template, operations in _BY_LENGTH.get(len(asked.segments), ()):
        pairs = list(zip(template, asked.segments, strict=True))
        if all(part.startswith("{") or part == sent for part, sent in pairs):
            asked.params = {part[1:-1]: sent for part, sent in pairs if part.startswith("{")}
            return operations
    raise not_found()


def _allow(operations: Mapping[str, Operation]) -> Sequence[str]:
    return [*operations, *(["HEAD"] if "GET" in operations else ()), "OPTIONS"]


_BY_LENGTH: dict[int, list[tuple[Sequence[str], Mapping[str, Operation]]]] = {}
for _path, _operations in sorted(ROUTES.items(), key=lambda one: "{" in one[0]):
    _template = _path.split("/") if _path else []
    _BY_LENGTH.setdefault(len(_template), []).append((_template, _operations))

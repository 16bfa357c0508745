"""The errors of xRegistry (core/spec.md and core/http.md, "Error Processing"), as one table.

An error's type, status and subject are the spec's; the titles are ours. Names of arguments are the
spec's: they reappear in the answer's `args`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chappe.domain.errors import CallerError

SPEC: Final = "https://github.com/xregistry/spec/blob/main/core/"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the catalogue: the HTTP status, the document that defines it, and our title."""

    status: int
    document: str
    title: str


class RegistryError(CallerError):
    """A request breaks a rule of xRegistry; nothing of it was done.

    Args:
        kind: the error's name in the spec, such as "mismatched_epoch".
        subject: the xid or the path of the request that it is about; begins with "/".
        detail: what else helps the caller, a full sentence.
        args: the values that the spec names for this kind.
    """

    code = "registry"

    def __init__(self, kind: str, subject: str, /, *, detail: str = "", **args: object) -> None:
        self.kind = kind
        self.subject = subject
        self.args_shown: Mapping[str, str] = {name: _text(value) for name, value in args.items()}
        self.detail = detail
        super().__init__(CATALOGUE[kind].title.format(subject=subject, **self.args_shown))

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CATALOGUE[self.kind].status

    @property
    def type(self) -> str:
        """The URI that names the error."""
        return f"{SPEC}{CATALOGUE[self.kind].document}#{self.kind}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def document(error: RegistryError) -> dict[str, object]:
    """The answer's body (core/http.md "Error Processing")."""
    body: dict[str, object] = {"type": error.type, "title": error.message}
    if error.detail:
        body["detail"] = error.detail
    if error.subject:
        body["subject"] = error.subject
    if error.args_shown:
        body["args"] = dict(error.args_shown)
    return body


CATALOGUE: Final[Mapping[str, Kind]] = {
    "action_not_supported": Kind(
        405, "spec.md", "{subject}: the action {action} is not supported here."
    ),
    "ancestor_circular_reference": Kind(
        400, "spec.md", "{subject}: its versions would be ancestors of each other: {list}."
    ),
    "bad_defaultversionid": Kind(
        400,
        "spec.md",
        '{subject}: the "defaultversionid" value {value!r} is wrong: {error_detail}.',
    ),
    "bad_details": Kind(400, "spec.md", '{subject}: "$details" is not allowed here.'),
    "bad_filter": Kind(400, "spec.md", "{subject}: the filter {value!r} is wrong: {error_detail}."),
    "bad_flag": Kind(400, "spec.md", "{subject}: the flag {flag!r} is not allowed here."),
    "bad_ignore": Kind(
        400, "spec.md", '{subject}: the "ignore" value {value!r} is wrong: {error_detail}.'
    ),
    "bad_inline": Kind(
        400, "spec.md", '{subject}: the "inline" value {value!r} is wrong: {error_detail}.'
    ),
    "bad_request": Kind(400, "spec.md", "{error_detail}."),
    "bad_sort": Kind(
        400, "spec.md", '{subject}: the "sort" value {value!r} is wrong: {error_detail}.'
    ),
    "cannot_doc_xref": Kind(
        400, "spec.md", '{subject}: has no versions in document view, because it uses "xref".'
    ),
    "capability_error": Kind(400, "spec.md", "The capabilities are wrong: {error_detail}."),
    "capability_missing_value": Kind(
        400, "spec.md", "The capability {name!r} must contain {value!r}."
    ),
    "capability_unknown": Kind(400, "spec.md", "There is no capability {field!r}."),
    "capability_value": Kind(
        400, "spec.md", "The capability {field!r} cannot be {value!r}; possible: {list}."
    ),
    "capability_wildcard": Kind(
        400, "spec.md", 'The capability {field!r} has "*" beside other values.'
    ),
    "compatibility_unknown": Kind(
        400,
        "spec.md",
        "{subject}: the compatibility {compat!r} is not supported for the format {format!r}.",
    ),
    "compatibility_violation": Kind(
        400, "spec.md", "{subject}: its versions would break its compatibility rule {compat!r}."
    ),
    "constraint_failure": Kind(
        400,
        "spec.md",
        "{subject}: a version would break the {kind!r} constraint of its group on {path!r}.",
    ),
    "data_retrieval_error": Kind(500, "spec.md", "Not all of the data asked for could be read."),
    "defaultversionid_request": Kind(
        400,
        "spec.md",
        '{subject}: the default version cannot be "request": no version was processed.',
    ),
    "extra_xref_attribute": Kind(
        400,
        "spec.md",
        '{subject}: the attribute {name!r} is not allowed: the {singular} uses "xref".',
    ),
    "format_external": Kind(
        400, "spec.md", "{subject}: its document is stored elsewhere, so it cannot be checked."
    ),
    "format_unknown": Kind(400, "spec.md", "{subject}: the format {format!r} is not supported."),
    "format_violation": Kind(
        400, "spec.md", "{subject}: its document is none of the format {format!r}."
    ),
    "groups_only": Kind(
        400,
        "spec.md",
        "{subject}: {name!r} is no type of group; nothing else is allowed in this request.",
    ),
    "hasdocument_violation": Kind(
        400,
        "spec.md",
        '{subject}: has a document, but {plural!r} would have none ("hasdocument": false).',
    ),
    "inline_noninlineable": Kind(400, "spec.md", "{subject}: {name!r} cannot be inlined."),
    "invalid_attribute": Kind(
        400, "spec.md", "{subject}: the attribute {name!r} is not valid: {error_detail}."
    ),
    "malformed_id": Kind(400, "spec.md", "The id {id!r} is wrong: {error_detail}."),
    "malformed_xid": Kind(400, "spec.md", "The xid {xid!r} is wrong: {error_detail}."),
    "malformed_xref": Kind(400, "spec.md", "The xref {xref!r} is wrong: {error_detail}."),
    "mismatched_epoch": Kind(
        400, "spec.md", "{subject}: the epoch {bad_epoch} was sent, the present one is {epoch}."
    ),
    "mismatched_id": Kind(
        400,
        "spec.md",
        '{subject}: the "{singular}id" {invalid_id!r} was sent, it must be {expected_id!r}.',
    ),
    "mismatched_version_attribute": Kind(
        400, "spec.md", "{subject}: its versions would differ in the attribute {name!r}."
    ),
    "misplaced_epoch": Kind(400, "spec.md", '{subject}: the "epoch" must stand in "meta".'),
    "model_compliance_error": Kind(
        400, "spec.md", "Entities of the registry would break the model."
    ),
    "model_error": Kind(400, "spec.md", "The model is wrong: {error_detail}."),
    "model_required_true": Kind(
        400,
        "spec.md",
        'The model attribute {name!r} has a default, so it must be "required": true.',
    ),
    "model_scalar_default": Kind(
        400, "spec.md", "The model attribute {name!r} is no scalar and cannot have a default."
    ),
    "multiple_roots": Kind(
        400, "spec.md", "{subject}: would have several root versions; {plural!r} allow one."
    ),
    "not_available": Kind(400, "spec.md", "{subject}: is not available."),
    "not_found": Kind(404, "spec.md", "{subject}: does not exist."),
    "one_resource": Kind(400, "spec.md", "{subject}: only one of {list} may be sent."),
    "parsing_data": Kind(400, "spec.md", "The data cannot be read: {error_detail}."),
    "readonly": Kind(400, "spec.md", "{subject}: is read-only."),
    "required_attribute_missing": Kind(
        400, "spec.md", "{subject}: required attributes are missing: {list}."
    ),
    "resources_only": Kind(
        400,
        "spec.md",
        "{subject}: {name!r} is no type of resource; nothing else is allowed in this request.",
    ),
    "server_busy": Kind(
        503, "spec.md", "{subject}: too much is asked of the hub at once; try again later."
    ),
    "server_error": Kind(500, "spec.md", "{subject}: an unexpected error; try again later."),
    "setdefaultversionsticky_false": Kind(
        400, "spec.md", '{subject}: "defaultversionsticky" cannot be true where "maxversions" is 1.'
    ),
    "sort_noncollection": Kind(
        400, "spec.md", "{subject}: is no collection, so it cannot be sorted."
    ),
    "too_large": Kind(
        406, "spec.md", "{subject}: the response would be too large; ask for less at once."
    ),
    "too_many_versions": Kind(
        400,
        "spec.md",
        '{subject}: "setdefaultversionid=request" allows one version in the request.',
    ),
    "unknown_attribute": Kind(400, "spec.md", "{subject}: there is no attribute {name!r}."),
    "unknown_group_type": Kind(400, "spec.md", "{subject}: there is no type of group {name!r}."),
    "unknown_id": Kind(
        400, "spec.md", '{subject}: there is no {singular} whose "{singular}id" is {id!r}.'
    ),
    "unknown_resource_type": Kind(
        400, "spec.md", "{subject}: the group type {group!r} has no type of resource {name!r}."
    ),
    "unsupported_specversion": Kind(
        400,
        "spec.md",
        "{subject}: the specversion {specversion!r} is not supported; supported: {list}.",
    ),
    "versionid_not_allowed": Kind(
        400,
        "spec.md",
        "{subject}: a version id was sent, but the server chooses those of {plural!r}.",
    ),
    "api_not_found": Kind(404, "http.md", "{subject}: there is no such API."),
    "details_required": Kind(405, "http.md", '{subject}: PATCH needs the "$details" suffix.'),
    "extra_xregistry_header": Kind(
        400, "http.md", "{subject}: the header {name!r} is not allowed: {error_detail}."
    ),
    "header_error": Kind(
        400, "http.md", "{subject}: the header {name!r} is wrong: {error_detail}."
    ),
    "missing_body": Kind(400, "http.md", "{subject}: the request has no body; try '{{}}'."),
    "missing_versions": Kind(400, "http.md", "{subject}: the request needs at least one version."),
}
"""By the error's name."""

"""What the Confluent API refuses, each with its status and its code (docs/confluent.md)."""

from __future__ import annotations

from collections.abc import Sequence

from chappe.domain.errors import CallerError


class Refused(CallerError):
    """A request that the Confluent API answers with `{"error_code": …, "message": …}`."""

    code = "confluent"

    def __init__(self, status: int, error_code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


class NoSuchMethod(Refused):
    """A method that the path does not have; `allow` are those that it has."""

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__(405, 405, "HTTP 405 Method Not Allowed")
        self.allow = allow


class InvalidSchema(Refused):
    """A schema that is none; a verbose compatibility check answers its message instead."""

    def __init__(self, message: str) -> None:
        super().__init__(422, 42201, message)


def subject_not_found(subject: str) -> Refused:
    """There is no such subject, or all of it is deleted."""
    return Refused(404, 40401, f"Subject '{subject}' not found.")


def version_not_found(version: int) -> Refused:
    """The subject has no such version; -1 stands for the latest."""
    return Refused(404, 40402, f"Version {version} not found.")


def schema_not_found(what: str = "") -> Refused:
    """There is no schema of that id or guid, or none like the one sent."""
    return Refused(404, 40403, f"Schema {what} not found" if what else "Schema not found")


def subject_soft_deleted(subject: str) -> Refused:
    """It was deleted already, and would have to be deleted for good."""
    return Refused(
        404,
        40404,
        f"Subject '{subject}' was soft deleted.Set permanent=true to delete permanently",
    )


def subject_not_soft_deleted(subject: str) -> Refused:
    """Only what was deleted can be deleted for good."""
    return Refused(
        404,
        40405,
        f"Subject '{subject}' was not deleted first before being permanently deleted",
    )


def version_soft_deleted(subject: str, version: int) -> Refused:
    """The same for a version."""
    return Refused(
        404,
        40406,
        f"Subject '{subject}' Version {version} was soft deleted."
        "Set permanent=true to delete permanently",
    )


def version_not_soft_deleted(subject: str, version: int) -> Refused:
    """The same for a version."""
    return Refused(
        404,
        40407,
        f"Subject '{subject}' Version {version} was not deleted first before being permanently"
        " deleted",
    )


def no_subject_config(subject: str) -> Refused:
    """The subject has no configuration of its own."""
    return Refused(
        404, 40408, f"Subject '{subject}' does not have subject-level compatibility configured"
    )


def no_subject_mode(subject: str) -> Refused:
    """The subject has no mode of its own."""
    return Refused(404, 40409, f"Subject '{subject}' does not have subject-level mode configured")


def association_not_found(resource: str) -> Refused:
    """The resource has no associations."""
    return Refused(404, 40410, f"Association for '{resource}' not found.")


def incompatible(subject: str, details: str) -> Refused:
    """The schema contradicts the subject's compatibility level.

    The code is that of Confluent's 8.1 and of those before it; later ones say 40901.
    """
    return Refused(
        409,
        409,
        "Schema being registered is incompatible with an earlier schema for subject"
        f' "{subject}", details: {details}',
    )


def resource_associated(type: str, resource: str) -> Refused:
    """The resource has another association of the type."""
    return Refused(
        409, 40903, f"An association of type '{type}' already exists for resource '{resource}'"
    )


def subject_associated(subject: str) -> Refused:
    """The subject belongs to a resource."""
    return Refused(409, 40904, f"An association already exists for subject '{subject}'")


def strongly_associated(subject: str) -> Refused:
    """The subject is owned by a resource."""
    return Refused(409, 40905, f"A strong association already exists for subject '{subject}'")


def no_active_version(subject: str) -> Refused:
    """An association needs a version that is not deleted."""
    return Refused(409, 40907, f"No active (non-deleted) version exists for subject '{subject}'")


def association_frozen(type: str, subject: str) -> Refused:
    """The association cannot be changed."""
    return Refused(
        409, 40908, f"The association of type  '{type}' is frozen for subject '{subject}'"
    )


def invalid_version(version: str) -> Refused:
    """What was sent is no version."""
    return Refused(
        422,
        42202,
        f"The specified version '{version}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def invalid_level() -> Refused:
    """What was sent is no compatibility level."""
    return Refused(
        422,
        42203,
        "Invalid compatibility level. Valid values are none, backward, forward, full, "
        "backward_transitive, forward_transitive, and full_transitive",
    )


def invalid_policy(policy: str) -> Refused:
    """What was sent is no compatibility policy."""
    return Refused(
        422,
        42203,
        f"Invalid compatibility policy '{policy}'. Valid values are strict, lenient, and semantic"
        + ("; the checks of logical are not built here" if policy.upper() == "LOGICAL" else ""),
    )


def invalid_mode(
    message: str = "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
) -> Refused:
    """What was sent is no mode, or none that can be set here."""
    return Refused(422, 42204, message)


def not_permitted(message: str) -> Refused:
    """The mode, or the state, does not allow it."""
    return Refused(422, 42205, message)


def reference_exists(key: str) -> Refused:
    """Other schemas refer to it."""
    return Refused(422, 42206, f"One or more references exist to the schema {key}.")


def invalid_subject(subject: str) -> Refused:
    """What was sent can be no subject."""
    return Refused(422, 42208, f"The specified subject '{subject}' is not a valid.")


def too_large(message: str) -> Refused:
    """The schema is larger than is possible."""
    return Refused(422, 42209, message)


def invalid_rules(message: str) -> Refused:
    """The rule set breaks a rule."""
    return Refused(422, 42210, message)


def context_not_empty(context: str) -> Refused:
    """Only an empty context can be deleted."""
    return Refused(422, 42211, f"The specified context '{context}' is not empty.")


def invalid_association(name: str, detail: str) -> Refused:
    """A property of an association is wrong."""
    return Refused(
        422,
        42212,
        f"The association specified an invalid value for property: '{name}', detail: {detail}",
    )


def bad_body(message: str) -> Refused:
    """The body is no JSON, or not of the shape that the operation takes."""
    return Refused(400, 400, message)

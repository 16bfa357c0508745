"""The errors below /confluent, by their `error_code`: the text of docs/confluent.md."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from chappe.domain.error_guide import Explained

CONFLUENT: Final[Mapping[str, Explained]] = MappingProxyType(
    {
        "40101": Explained(
            401,
            "no token, or one that the hub does not know; `WWW-Authenticate`",
            "",
            "send one, as the password of HTTP Basic or as a bearer token",
        ),
        "40301": Explained(
            403,
            (
                "the token lacks the right that is asked for, for the context's group "
                "(`schemagroups/…`)"
            ),
            "",
            "make one with that right",
        ),
        "40401": Explained(
            404,
            "no such subject, or nothing set there that could be taken back",
            "",
            "list the subjects; `?deleted=true` shows deleted ones",
        ),
        "40402": Explained(
            404,
            "no such version",
            "",
            "list the versions",
        ),
        "40403": Explained(
            404,
            "no such schema: its id, its guid, its content or its properties",
            "",
            "register it, or ask in the context where it is",
        ),
        "40404": Explained(
            404,
            "the subject is deleted already",
            "",
            "delete it for good with `?permanent=true`",
        ),
        "40405": Explained(
            404,
            "the subject is not deleted, which has to be before it is deleted for good",
            "",
            "delete it first",
        ),
        "40406": Explained(
            404,
            "the version is deleted already",
            "",
            "delete it for good with `?permanent=true`",
        ),
        "40407": Explained(
            404,
            "the version is not deleted, which has to be before it is deleted for good",
            "",
            "delete it first",
        ),
        "40408": Explained(
            404,
            "the subject has no configuration of its own",
            "",
            "ask with `?defaultToGlobal=true`",
        ),
        "40409": Explained(
            404,
            "the subject has no mode of its own",
            "",
            "ask with `?defaultToGlobal=true`",
        ),
        "40410": Explained(
            404,
            "the resource has no such association",
            "",
            "list the associations",
        ),
        "409": Explained(
            409,
            "the schema may not follow those of its subject, by its level or by the registry's rule",
            "",
            "read the message: it names rule, place and version; or change the level",
        ),
        "40903": Explained(
            409,
            "the resource has another association of that type",
            "",
            "change that with PUT",
        ),
        "40904": Explained(
            409,
            "the subject belongs to a resource",
            "",
            "take the association away first",
        ),
        "40905": Explained(
            409,
            "the subject belongs to a resource that owns it",
            "",
            "take that association away first",
        ),
        "40907": Explained(
            409,
            "the subject has no version that is not deleted",
            "",
            "register a schema first",
        ),
        "40908": Explained(
            409,
            "the association cannot be changed: it is frozen",
            "",
            "make another",
        ),
        "42201": Explained(
            422,
            "no schema of its language, or one with a reference to what is not there",
            "",
            "read the message",
        ),
        "42202": Explained(
            422,
            "no version: neither a number from 1 on nor `latest`",
            "",
            "send one",
        ),
        "42203": Explained(
            422,
            "no compatibility level, or no policy",
            "",
            "send one that the message lists",
        ),
        "42204": Explained(
            422,
            "no mode, or none for this scope",
            "",
            "READWRITE, READONLY, READONLY_OVERRIDE, IMPORT; FORWARD for everything",
        ),
        "42205": Explained(
            422,
            "not permitted: read-only, an id outside of the mode IMPORT, or a rule of the registry",
            "",
            "read the message; change the mode",
        ),
        "42206": Explained(
            422,
            "something refers to the version",
            "",
            "delete that first",
        ),
        "42208": Explained(
            422,
            "no name of a subject",
            "",
            "without control characters, not `__GLOBAL` or `__EMPTY`",
        ),
        "42209": Explained(
            422,
            "the schema is too large: the body is over `max_registry_bytes`",
            "",
            "split it by references, or let the operator raise the limit",
        ),
        "42210": Explained(
            422,
            "a rule set that is none",
            "",
            "read the message: it names the rule",
        ),
        "42211": Explained(
            422,
            "the context has subjects",
            "",
            "delete them for good first",
        ),
        "42212": Explained(
            422,
            "an association that is none",
            "",
            "read the message: it names the member",
        ),
        "50001": Explained(
            500,
            "the engine did not acknowledge, or the hub made a mistake",
            "",
            "send it again; the hub's log says which",
        ),
    }
)

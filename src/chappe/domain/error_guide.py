"""What each error code means, where it comes from, and what cures it: the text of docs/errors.md.

Written here once, so that the package carries it (`chappe errors explain`); a test holds the page to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Explained:
    """One code: its HTTP status, and for people, in Markdown, what it means, its cause and its cure."""

    status: int
    meaning: str
    cause: str
    cure: str


HUB: Final[Mapping[str, Explained]] = MappingProxyType(
    {
        "malformed": Explained(
            400,
            "the request, or a value in it, breaks a rule",
            (
                "an unknown or repeated parameter, a wrong field, a body that is no JSON, bytes "
                "that are no HTTP or could be read in two ways, a sink that the hub must not "
                "connect to, publishing to a channel of the hub's own"
            ),
            "read `detail`: it names the thing, the value and the rule",
        ),
        "invalid_event": Explained(
            400,
            "the event breaks a rule of CloudEvents 1.0; `attribute`, `value`, `rule`, `spec`",
            "a required attribute is missing, a value has the wrong form, an attribute stands twice",
            "mend the producer; `spec` names document and section",
        ),
        "invalid_batch": Explained(
            400,
            (
                "events of a batch are invalid, none was stored; `errors`: `index`, `code`, "
                "`detail` and what belongs to that code"
            ),
            "as for one event, or a payload that breaks its schema",
            "mend or take out the events named by `index`, send the batch again",
        ),
        "invalid_setting": Explained(
            400,
            "a setting is unknown or wrong",
            (
                "a wrong option, environment variable or settings file; you see it when the hub "
                "starts, not over HTTP"
            ),
            "read `detail`: it names the setting",
        ),
        "bad_request": Explained(
            400,
            "the request cannot be served, for none of the other reasons",
            "a rule that has no code of its own",
            "read `detail`",
        ),
        "unauthenticated": Explained(
            401,
            "no token, or one that the hub does not know; `WWW-Authenticate`",
            (
                "the header `Authorization: Bearer TOKEN` is missing, the token was removed or "
                "has expired, the session has ended"
            ),
            "send a token that `chappe token ls` knows, or log in again (`chappe login`)",
        ),
        "forbidden": Explained(
            403,
            (
                "who asks lacks the right `right` for `group` (`*`: the whole hub), which the "
                "role `role` has; or a page of another site sent a session's cookie"
            ),
            "the token was made, or the role was given, for other work",
            "ask for that role: `chappe token new NAME --role ROLE@GROUP`, or `oidc_roles`",
        ),
        "not_found": Explained(
            404,
            "there is no such path, channel, event or subscription",
            "a wrong name, a `/` at the end, an event that is no longer kept",
            "list what there is; percent-encode names in paths",
        ),
        "method_not_allowed": Explained(
            405,
            "the resource has no such method; `allow` and `Allow` list those that it has",
            "a wrong method, or one that is meant for another resource",
            "use one of them",
        ),
        "not_acceptable": Explained(
            406,
            (
                "what is asked for has no form that the request takes; `media_types` lists those "
                "that it has"
            ),
            (
                "`Accept` names other media types only, or XML for an event with an attribute "
                "that no XML element can be called"
            ),
            "ask for one of them",
        ),
        "too_slow": Explained(
            408,
            "the request did not arrive in time; nothing was done",
            "a slow or stalled connection",
            "send it again",
        ),
        "ambiguous": Explained(
            409,
            "several events have the id; `positions` lists them",
            "ids are unique only within a source",
            "name it by its position, or as `source#id`",
        ),
        "conflict": Explained(
            409,
            "the thing changed meanwhile, or exists already",
            "two writers; the `epoch` that was sent is not the present one",
            "read it again, then decide again",
        ),
        "too_large": Explained(
            413,
            "the body or event is over a limit; `limit_bytes`",
            "a large payload, or many events in one batch",
            "send smaller events or batches, or let the operator raise the limit",
        ),
        "unsupported_format": Explained(
            415,
            "the body is no event, or in a format that the hub does not know",
            (
                "no `ce-` headers with a plain `Content-Type`; a `Content-Type` such as "
                "`application/cloudevents+yaml`; a compressed body"
            ),
            "send binary mode, or a format that `detail` lists; send the body uncompressed",
        ),
        "schema_mismatch": Explained(
            422,
            (
                "the payload breaks the schema that is enforced for its type; `errors`: "
                "`pointer`, `rule`, `value`, `message`"
            ),
            "the producer and the declaration disagree",
            (
                'mend the payload, or declare the schema with `"validation": "warn"` or without '
                "`validation`"
            ),
        ),
        "headers_too_large": Explained(
            431,
            "the request's headers are over 64 KiB",
            "many or long attributes in binary mode",
            "send less in headers: structured mode carries attributes in the body",
        ),
        "internal": Explained(
            500,
            "the hub made a mistake",
            "a bug; the hub's log has one entry with the traceback",
            "report it; what was asked may or may not have happened",
        ),
        "unavailable": Explained(
            503,
            "the engine or the hub cannot do it now; `Retry-After`",
            "the engine restarts or lost its quorum, the index catches up, the node shuts down",
            "send it again; with the same `source` and `id` an event is not stored twice",
        ),
        "out_of_space": Explained(
            503,
            "the disk under the hub's data is nearly full, nothing was stored; `Retry-After`",
            "events are kept as long as `retention_age_s` and `retention_bytes` say",
            "make room, or keep less; the hub goes on by itself",
        ),
        "wrong_key": Explained(
            503,
            "a stored secret does not open with this node's `secret.key`; `Retry-After`",
            "the node was started with a key of its own",
            (
                "the operator copies `secret.key` of the node that stored the secret to this "
                "node's data directory, and starts it again"
            ),
        ),
        "overloaded": Explained(
            503,
            "too much is waiting, nothing was stored; `Retry-After`",
            "more comes in than the disk takes",
            "send it again later, slower",
        ),
    }
)
"""By the `code` of the hub's problem documents."""

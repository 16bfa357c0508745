"""GitLab's webhooks (cloudevents/adapters/gitlab.md): `object_kind` and the payload -> an event.

    {"object_kind": "merge_request",            type     com.gitlab.merge_request.open
     "repository": {"homepage": "https://…"},   source   https://gitlab.example/shop/api
     "object_attributes": {"iid": 17,           subject  17
                           "action": "open"}}   time     "object_attributes.created_at"

The document asks for a new id for each event. GitLab's `Idempotency-Key` is one that its own retries
keep, so that a repeat is known as one; where it is missing, `X-Gitlab-Event-UUID` does not do (hooks
that follow from one another share it), and a new id is made.

What that document leaves open: a job's `build_status` and `build_id` (as GitLab names what stands there
as `job_status` and `job_id`) count too; a value that is null or absent is left out, a time is then that
of receipt; times such as `2015-05-17 18:08:09 UTC` are told in RFC 3339. What it does not list, such as
`deployment`, `release` or system hooks: com.gitlab.KIND, with .ACTION where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.formats.webhooks.webhook import JSON, Webhook, event_of, required, time_of

PREFIX: Final = "com.gitlab"


class _Row:
    """Where an event's parts stand in its payload: JSON pointers, the first that is there counts."""

    __slots__ = ("sources", "subjects", "suffix", "time")

    def __init__(
        self,
        sources: tuple[str, ...],
        subjects: tuple[str, ...],
        suffix: tuple[str, ...] = (),
        time: str | None = None,
    ) -> None:
        self.sources, self.subjects, self.suffix, self.time = sources, subjects, suffix, time


_HOMEPAGE: Final = ("/repository/homepage",)
_PROJECT: Final = ("/project/web_url",)
_ID: Final = ("/object_attributes/id",)
_IID: Final = ("/object_attributes/iid",)
_ACTION: Final = ("/object_attributes/action",)
_CREATED: Final = "/object_attributes/created_at"
_NOTE: Final = _Row(("/object_attributes/url",), _ID, time=_CREATED)

ROWS: Final[Mapping[str, _Row]] = {
    "push": _Row(_HOMEPAGE, ("/checkout_sha",)),
    "tag_push": _Row(_HOMEPAGE, ("/ref",)),
    "issue": _Row(_HOMEPAGE, _IID, ("/object_attributes/state",)),
    "note.commit": _Row(("/commit/url",), _ID, time=_CREATED),
    "note.merge_request": _NOTE,
    "note.issue": _NOTE,
    "note.snippet": _NOTE,
    "merge_request": _Row(_HOMEPAGE, _IID, _ACTION, _CREATED),
    "wiki_page": _Row(_PROJECT, ("/object_attributes/slug",), _ACTION),
    "pipeline": _Row(_PROJECT, _ID, ("/object_attributes/status",)),
    "job": _Row(_HOMEPAGE, ("/job_id", "/build_id"), ("/job_status", "/build_status")),
}
"""Every event of the document, by the type's part behind com.gitlab."""

_UNKNOWN: Final = _Row(
    (*_PROJECT, *_HOMEPAGE, "/group/web_url"),
    (*_IID, *_ID),
    (*_ACTION, "/action"),
)
_FALLBACK: Final = (*_PROJECT, *_HOMEPAGE, "/group/web_url")
_NOTEABLE: Final = {
    "Commit": "commit",
    "MergeRequest": "merge_request",
    "Issue": "issue",
    "Snippet": "snippet",
}
_KINDS: Final = {"build": "job"}


def gitlab_event(webhook: Webhook) -> Event:
    """The event of a webhook of GitLab's.

    Raises:
        Malformed: the payload is no object, or says not what it is of.
        InvalidEvent: a value breaks a rule of the CloudEvents specification.
    """
    if not isinstance(webhook.document, dict):
        raise Malformed("body: GitLab's payloads are JSON objects; something else was sent")
    kind = _kind(webhook)
    row = ROWS.get(kind, _UNKNOWN)
    suffix = webhook.first(*row.suffix)
    time = None if row.time is None else time_of(webhook.at(row.time))
    return event_of(
        webhook,
        {
            "id": webhook.headers.get("idempotency-key") or webhook.fresh_id,
            "source": _source(webhook, kind, row),
            "type": ".".join((PREFIX, kind, *([suffix] if suffix else ()))),
            "subject": webhook.first(*row.subjects),
            "time": time or webhook.received,
        },
        datacontenttype=JSON,
    )


def _kind(webhook: Webhook) -> str:
    kind = webhook.first("/object_kind", "/event_name")
    if kind is None:
        raise Malformed("body: neither object_kind nor event_name says what the payload is of")
    if kind == "note":
        noted = webhook.text("/object_attributes/noteable_type") or ""
        on = _NOTEABLE.get(noted, noted.lower())
        return f"note.{on}" if on else kind
    return _KINDS.get(kind, kind)


def _source(webhook: Webhook, kind: str, row: _Row) -> str:
    found = webhook.first(*row.sources)
    if found is not None and kind.startswith("note."):
        found = found.partition("#note_")[0]
    found = found or webhook.first(*_FALLBACK) or webhook.headers.get("x-gitlab-instance")
    return required(found, "source", "project.web_url, nor in X-Gitlab-Instance")

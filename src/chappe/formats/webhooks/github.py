"""GitHub's webhooks (cloudevents/adapters/github.md): X-GitHub-Event and the payload -> an event.

    X-GitHub-Event: issues          type     com.github.issues.opened     ("action")
    X-GitHub-Delivery: 72d3162e-…   source   https://api.github.com/repos/octo/hello
    {"action": "opened",            subject  17                           ("issue.number")
     "issue": {"number": 17, …      time     "issue.updated_at"

Where that document leaves something open, or cannot be followed to the letter:

- `repository_dispatch` and `repository_ruleset` get the dot before the action, which is missing there.
- `status` ends there in a dot with a question behind it: the type is com.github.status.STATE.
- `installation.updated_at` is a number of seconds in some payloads; it is told as a time.
- A value that is null or absent: no subject, the time of receipt, no part of the type; for the source
  the repository, the organization, the account of an installation or the sender, whichever is there.
- An event that it does not list, such as `ping`: com.github.EVENT, with .ACTION where there is one.
- A form (`application/x-www-form-urlencoded`) holds the JSON in `payload`: this is the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.formats.webhooks.webhook import FORM, JSON, Webhook, event_of, json_of, time_of

PREFIX: Final = "com.github"
ORIGIN: Final = "https://api.github.com"
"""The source where a payload names nothing at all."""


class _Row:
    """Where an event's parts stand in its payload: JSON pointers, the first that is there counts."""

    __slots__ = ("source", "subject", "suffix", "times")

    def __init__(
        self,
        source: str,
        subject: str | None = None,
        *times: str,
        suffix: tuple[str, ...] = ("/action",),
    ) -> None:
        self.source, self.subject, self.times, self.suffix = source, subject, times, suffix


_REPO: Final = "/repository/url"
_OWNER: Final = "/repository/owner/url"
_INSTALLATION: Final = "/installation/account/url"
_DEPLOYMENT: Final = "/deployment/url"
_PULL: Final = "/pull_request/url"
_ORGANIZATION: Final = "/organization/url"
_SENDER: Final = "/sender/url"
_FALLBACK: Final = (_REPO, _ORGANIZATION, _INSTALLATION, _SENDER)


def _of(name: str, subject: str = "id", source: str = _REPO) -> _Row:
    """Most events: an object of the event's own name, with its id and when it was changed."""
    return _Row(source, f"/{name}/{subject}", f"/{name}/updated_at")


_ALERT: Final = _Row(_REPO, "/alert/number", "/alert/updated_at", "/alert/created_at")

ROWS: Final[Mapping[str, _Row]] = {
    "branch_protection_configuration": _Row(_REPO),
    "branch_protection_rule": _of("rule"),
    "check_run": _Row(_REPO, "/check_run/id", "/check_run/completed_at", "/check_run/started_at"),
    "check_suite": _of("check_suite"),
    "code_scanning_alert": _Row(_REPO, "/alert/number"),
    "commit_comment": _of("comment", source="/comment/url"),
    "content_reference": _Row(_REPO, "/content_reference/id"),
    "create": _Row(_REPO, "/ref", suffix=("/ref_type",)),
    "custom_property": _Row(_REPO, "/definition/property_name"),
    "custom_property_values": _Row(_REPO),
    "delete": _Row(_REPO, "/ref", suffix=("/ref_type",)),
    "dependabot_alert": _Row(_REPO, "/alert/id"),
    "deploy_key": _Row(_REPO, "/key/id", "/key/deleted_at", "/key/created_at"),
    "deployment": _Row(_REPO, "/deployment/id", "/deployment/updated_at", suffix=()),
    "deployment_protection_rule": _Row(_DEPLOYMENT, "/deployment/id"),
    "deployment_review": _Row(_DEPLOYMENT, "/workflow_run/id"),
    "deployment_status": _Row(
        _DEPLOYMENT,
        "/deployment_status/url",
        "/deployment_status/updated_at",
        suffix=("/deployment_status/state",),
    ),
    "discussion": _Row(_REPO, "/discussion/id"),
    "discussion_comment": _Row(_REPO, "/discussion/id", "/comment/updated_at"),
    "fork": _Row(_REPO, "/forkee/url", "/forkee/created_at", suffix=()),
    "github_app_authorization": _Row(_SENDER, suffix=()),
    "gollum": _Row(_REPO, suffix=()),
    "installation": _of("installation", source=_INSTALLATION),
    "installation_repositories": _of("installation", source=_INSTALLATION),
    "installation_target": _Row(_INSTALLATION, "/installation/id"),
    "issue_comment": _of("comment", source="/issue/url"),
    "issues": _of("issue", "number"),
    "label": _Row(_REPO, "/label/name"),
    "marketplace_purchase": _Row(_SENDER, "/marketplace_purchase/account/login", "/effective_date"),
    "member": _Row(_REPO, "/member/login"),
    "membership": _Row("/team/url", "/member/login", suffix=("/scope", "/action")),
    "merge_group": _Row(_REPO, "/merge_group/head_ref"),
    "meta": _Row(_REPO, "/hook_id", "/hook/updated_at"),
    "milestone": _of("milestone", "number"),
    "organization": _Row(_ORGANIZATION, "/membership/user/login"),
    "org_block": _Row(_ORGANIZATION, "/blocked_user/login"),
    "package": _Row(_REPO, "/package/id", "/package/updated_at", "/package/created_at"),
    "page_build": _Row(_REPO, "/build/url", "/pusher/updated_at", suffix=()),
    "project": _of("project"),
    "project_card": _of("project_card"),
    "project_column": _of("project_column"),
    "projects_v2": _of("projects_v2"),
    "projects_v2_item": _of("projects_v2_item"),
    "projects_v2_status_update": _of("projects_v2_status_update"),
    "public": _Row(_OWNER, "/repository/name", "/repository/updated_at", suffix=()),
    "pull_request": _Row(_REPO, "/number", "/pull_request/updated_at"),
    "pull_request_review": _Row(_PULL, "/review/id", "/review/submitted_at"),
    "pull_request_review_comment": _Row(_PULL, "/comment/id", "/pull_request/updated_at"),
    "pull_request_review_thread": _Row(_PULL, "/pull_request/id"),
    "push": _Row(_REPO, "/ref", suffix=()),
    "registry_package": _of("registry_package", "html_url"),
    "release": _Row(_REPO, "/release/id"),
    "repository": _of("repository", "name", _OWNER),
    "repository_advisory": _of("repository_advisory", "ghsa_id"),
    "repository_dispatch": _Row(_OWNER),
    "repository_import": _Row(_OWNER, "/repository/name", "/repository/updated_at", suffix=()),
    "repository_ruleset": _of("repository", "name", _OWNER),
    "repository_vulnerability_alert": _Row(_REPO, "/alert/id"),
    "secret_scanning_alert": _ALERT,
    "secret_scanning_alert_location": _ALERT,
    "security_advisory": _of("security_advisory", "ghsa_id", "github.com"),
    "security_and_analysis": _Row(_REPO, suffix=()),
    "sponsorship": _Row(_REPO, "/sponsorship/sponsor/login"),
    "star": _Row(_REPO, None, "/starred_at"),
    "status": _Row(_REPO, "/sha", "/updated_at", suffix=("/state",)),
    "team": _Row(_REPO, "/team/id", "/updated_at"),
    "team_add": _Row(_REPO, "/team/id"),
    "watch": _Row(_REPO),
    "workflow_dispatch": _Row(_REPO, "/workflow", suffix=()),
    "workflow_job": _Row(_REPO, "/workflow_job/name"),
    "workflow_run": _Row(_REPO, "/workflow/name"),
}
"""Every event of the document, by X-GitHub-Event."""

_UNKNOWN: Final = _Row(_REPO)


def github_event(webhook: Webhook) -> Event:
    """The event of a webhook of GitHub's.

    Raises:
        Malformed: a header field is missing, or the payload is no object.
        InvalidEvent: a value breaks a rule of the CloudEvents specification.
    """
    name = webhook.header("X-GitHub-Event")
    delivery = webhook.header("X-GitHub-Delivery")
    payload = webhook.body
    if webhook.media_type == FORM:
        payload = (webhook.text("/payload") or "").encode("utf-8")
        webhook = webhook.with_document(json_of(payload, JSON))
    if not isinstance(webhook.document, dict):
        raise Malformed("body: GitHub's payloads are JSON objects; something else was sent")
    row = ROWS.get(name, _UNKNOWN)
    suffix = [text for one in row.suffix if (text := webhook.text(one))]
    return event_of(
        webhook,
        {
            "id": delivery,
            "source": _source(webhook, name, row),
            "type": ".".join((PREFIX, name, *suffix)),
            "subject": None if row.subject is None else webhook.text(row.subject),
            "time": _time(webhook, name, row),
        },
        data=payload,
        datacontenttype=JSON,
    )


def _source(webhook: Webhook, name: str, row: _Row) -> str:
    if name == "security_advisory":
        return row.source
    found = webhook.text(row.source)
    if not found:
        return webhook.first(*_FALLBACK) or ORIGIN
    match name:
        case "commit_comment":
            commit = webhook.text("/comment/commit_id")
            return f"{found}/{commit}" if commit else found
        case "marketplace_purchase":
            return found.rpartition("/")[0] or found
        case _:
            return found


def _time(webhook: Webhook, name: str, row: _Row) -> str:
    # "release.*_at" based on action: created -> created_at, published -> published_at
    action = webhook.text("/action") or ""
    times = (f"/release/{action}_at",) if name == "release" and action.isalpha() else row.times
    found = (time_of(webhook.at(one)) for one in times)
    return next((one for one in found if one is not None), webhook.received)

"""GitHub's own examples of webhooks, all of them, as events: Octokit's collection, from npm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from npm_package import NpmPackage

from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.formats.webhooks.github import ROWS
from chappe.formats.webhooks.providers import convert
from chappe.formats.webhooks.webhook import read_webhook

EXAMPLES = NpmPackage(
    "@octokit/webhooks-examples",
    "7.6.1",
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
)
SITES = ("api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35")
RECEIVED = "2026-11-22T10:00:00Z"

# The subjects of github.md, written down a second time: where the value stands.
SUBJECTS = {
    "content_reference": "content_reference.id",
    "custom_property": "definition.property_name",
    "deployment_protection_rule": "deployment.id", "deployment_review": "workflow_run.id",
    "installation_target": "installation.id", "merge_group": "merge_group.head_ref",
    "projects_v2": "projects_v2.id", "projects_v2_item": "projects_v2_item.id",
    "registry_package": "registry_package.html_url",
    "repository_advisory": "repository_advisory.ghsa_id", "repository_ruleset": "repository.name",
    "branch_protection_rule": "rule.id", "check_run": "check_run.id",
    "check_suite": "check_suite.id", "code_scanning_alert": "alert.number",
    "commit_comment": "comment.id", "create": "ref", "delete": "ref",
    "dependabot_alert": "alert.id", "deploy_key": "key.id", "deployment": "deployment.id",
    "deployment_status": "deployment_status.url", "discussion": "discussion.id",
    "discussion_comment": "discussion.id", "fork": "forkee.url",
    "installation": "installation.id", "installation_repositories": "installation.id",
    "issue_comment": "comment.id", "issues": "issue.number", "label": "label.name",
    "marketplace_purchase": "marketplace_purchase.account.login", "member": "member.login",
    "membership": "member.login", "meta": "hook_id", "milestone": "milestone.number",
    "org_block": "blocked_user.login", "organization": "membership.user.login",
    "package": "package.id", "page_build": "build.url", "project": "project.id",
    "project_card": "project_card.id", "project_column": "project_column.id",
    "public": "repository.name", "pull_request": "number", "pull_request_review": "review.id",
    "pull_request_review_comment": "comment.id", "pull_request_review_thread": "pull_request.id",
    "push": "ref", "release": "release.id", "repository": "repository.name",
    "repository_import": "repository.name", "repository_vulnerability_alert": "alert.id",
    "secret_scanning_alert": "alert.number", "secret_scanning_alert_location": "alert.number",
    "security_advisory": "security_advisory.ghsa_id", "sponsorship": "sponsorship.sponsor.login",
    "status": "sha", "team": "team.id", "team_add": "team.id", "workflow_dispatch": "workflow",
    "workflow_job": "workflow_job.name", "workflow_run": "workflow.name",
}  # fmt: skip
WITHOUT_ACTION = {
    "deployment", "fork", "github_app_authorization", "gollum", "page_build", "public", "push",
    "repository_import", "security_and_analysis", "workflow_dispatch", "team_add",
}  # fmt: skip


@pytest.fixture(scope="module")
def examples() -> list[tuple[str, Any]]:
    """(X-GitHub-Event, payload) of each."""
    sites = EXAMPLES.json(*(f"{site}/index.json" for site in SITES))
    return [
        (group["name"], payload)
        for site in sites
        for group in site
        for payload in group["examples"]
    ]


def event_of(name: str, payload: Any) -> Event:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-github-event", name.encode()),
        (b"x-github-delivery", b"d-1"),
    ]
    body = json.dumps(payload).encode()
    webhook = read_webhook("gh", headers, {}, body, received=RECEIVED, fresh_id="fresh")
    event = convert("github", {}, webhook)
    assert event.data == body
    return event


def value_at(payload: Any, path: str) -> str | None:
    for step in path.split("."):
        payload = payload.get(step) if isinstance(payload, dict) else None
    return None if payload is None else str(payload)


def type_of(name: str, payload: Any) -> str:
    match name:
        case "create" | "delete":
            last = payload["ref_type"]
        case "membership":
            last = f"{payload['scope']}.{payload['action']}"
        case "deployment_status":
            last = payload["deployment_status"]["state"]
        case "status":
            last = payload["state"]
        case _:
            last = None if name in WITHOUT_ACTION else payload.get("action")
    return f"com.github.{name}" + (f".{last}" if last else "")


def test_every_example_becomes_a_valid_event_of_its_type_and_subject(
    examples: list[tuple[str, Any]],
) -> None:
    for name, payload in examples:
        event = event_of(name, payload)
        assert event.type == type_of(name, payload)
        path = SUBJECTS.get(name)
        assert event.subject == (None if path is None else value_at(payload, path) or None)
        assert cloudevents_json.decode(cloudevents_json.encode(event)).source == event.source
    assert len(examples) == 726


def test_the_examples_name_their_source_and_most_their_time(
    examples: list[tuple[str, Any]],
) -> None:
    known = [(name, event_of(name, payload)) for name, payload in examples if name in ROWS]
    assert len(known) > 650
    for name, event in known:
        expected = "github.com" if name == "security_advisory" else "https://"
        assert event.source.startswith((expected, "http://"))
        assert event.source != "https://api.github.com"
    told = [event for _, event in known if event.time != RECEIVED]
    assert len(told) > len(known) / 3

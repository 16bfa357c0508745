"""AsyncAPI and Backstage as files: what the hub writes of itself, and what it takes in.

The hub makes the documents; here they are fetched, and sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode

from chappe.cli.registry_compare import Change
from chappe.cli.registry_diff import say_done
from chappe.cli.session import Session
from chappe.client.hub_client import HubClient
from chappe.client.problems import error_of
from chappe.client.registry import encoded
from chappe.domain.errors import ChappeError

Form = Literal["json", "yaml"]
PATH: Final = "/asyncapi"
CATALOGUE: Final = "/catalog-info.yaml"
_TYPES: Final[Mapping[Form, str]] = {
    "json": "application/vnd.aai.asyncapi+json",
    "yaml": "application/vnd.aai.asyncapi+yaml",
}


def is_asyncapi(document: Mapping[str, Any]) -> bool:
    """Whether a document that was read is one of AsyncAPI."""
    return isinstance(document.get("asyncapi"), str)


def export(
    session: Session,
    *,
    endpoint: str | None = None,
    application: str | None = None,
    form: Form = "yaml",
) -> bytes:
    """The hub's endpoints as an AsyncAPI document: all, one, or those of an application."""
    return session.run(lambda hub: _asyncapi(hub, endpoint, application, form))


def export_backstage(session: Session) -> bytes:
    """The hub as entities of Backstage's catalogue, all pages in one stream."""
    return session.run(_backstage)


async def asyncapi(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """For `chappe export`: in YAML; `endpoint` or `application` of the settings choose."""
    chosen = settings.get("endpoint"), settings.get("application")
    return {"-": await _asyncapi(hub, *chosen, "yaml")}


async def backstage(hub: HubClient, settings: Mapping[str, str]) -> Mapping[str, bytes]:
    """For `chappe export`: all entities in one file."""
    return {"-": await _backstage(hub)}


async def _asyncapi(
    hub: HubClient, endpoint: str | None, application: str | None, form: Form
) -> bytes:
    chosen = {"endpoint": endpoint, "application": application}
    query = urlencode({name: value for name, value in chosen.items() if value is not None})
    return await _get(hub, f"{PATH}?{query}" if query else PATH, _TYPES[form])


async def _backstage(hub: HubClient) -> bytes:
    first = await _get(hub, CATALOGUE, "application/yaml")
    if b"\nkind: Location\n" not in first:
        return first
    pages = range(1, first.count(b"/catalog-info.yaml?page=") + 1)
    found = [await _get(hub, f"{CATALOGUE}?page={one}", "application/yaml") for one in pages]
    return b"".join(found)


def import_(
    session: Session,
    document: Mapping[str, Any],
    *,
    application: str | None = None,
    dry_run: bool = False,
) -> None:
    """Make an application's document part of the registry, and say what became of it.

    Raises:
        CallerError: the document, or a rule of the registry, is broken; nothing was done.
    """
    flags = {
        **({"application": application} if application else {}),
        **({"dryrun": "true"} if dry_run else {}),
    }
    path = f"{PATH}?{urlencode(flags)}" if flags else PATH

    async def work(hub: HubClient) -> Mapping[str, Any]:
        import json

        headers = {"accept": "application/json", "content-type": "application/json"}
        answer = await hub.exchange("POST", path, encoded(document), headers)
        if answer.status >= 300:
            raise error_of(answer)
        if dry_run and "chappe-dry-run" not in answer.headers:
            raise ChappeError(
                f"{path}: a dry run was asked for, and the hub has done it in earnest"
            )
        found: Mapping[str, Any] = json.loads(answer.body)
        return found

    adopted = session.run(work)
    changes = [Change(xid, "added") for xid in adopted["made"]]
    changes += [Change(xid, "changed") for xid in adopted["changed"]]
    say_done(session, changes, dry_run=dry_run)
    for one in adopted["left"]:
        session.note(f"note:  {one}")


async def _get(hub: HubClient, path: str, accept: str) -> bytes:
    answer = await hub.exchange("GET", path, b"", {"accept": accept})
    if answer.status >= 300:
        raise error_of(answer)
    return answer.body

"""`chappe apply`, `diff` and `delete`: the registry as files in a repository say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.registry_compare import Change
from chappe.cli.registry_diff import DONE, say_differences, say_done
from chappe.cli.registry_files import read_documents
from chappe.cli.registry_plan import Ways, carry_out, make_plan, present, tree_of
from chappe.cli.registry_tree import Group, Registry
from chappe.cli.registry_trouble import no_verdict
from chappe.cli.report_formats import Checked, Finding, Format, report_option, written
from chappe.cli.session import OUTPUTS, Session, printing
from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient, joined

_files = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="JSON or YAML, one or several documents; more than once: all of them.",
)
_prune = click.option(
    "--prune",
    is_flag=True,
    help="Delete what the groups in the files have besides: resources and versions not named there.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


@click.command()
@_files
@_dry_run
@_prune
@printing(*OUTPUTS)
@destructive
def apply(
    session: Session, files: Sequence[str], dry_run: bool, prune: bool, consent: Consent
) -> None:
    """Make the registry what files say: create, update, leave what is the same.

    \b
      chappe apply -f registry/
      chappe registry export /messagegroups/shop | chappe --url $OTHER apply -f -

    A document is a map of group collections, or one entity with its xid. All of it is written in one
    request, or nothing is; what --prune deletes goes after that.
    """  # noqa: D301 - click's mark for lines as they are
    documents = read_documents(files)

    plan = session.run(lambda hub: make_plan(RegistryClient(hub), documents, Ways(prune=prune)))
    gone = [f"{collection}/{id_}" for collection, ids in plan.deletions for id_ in ids]
    if not dry_run:
        if gone:
            confirm(session, f"This deletes {_few(gone)}", consent)
        session.run(lambda hub: carry_out(RegistryClient(hub), plan))
    say_done(session, plan.all_changes, dry_run=dry_run)


@click.command()
@_files
@_prune
@report_option
@printing(*OUTPUTS)
@no_verdict
def diff(session: Session, files: Sequence[str], prune: bool, report: Format | None) -> None:
    """See what apply would change, attribute by attribute; the hub's defaults count.

    \b
      chappe diff -f registry/
      chappe diff -f registry/ --prune --format github

    Exit code 0: nothing; 1: something; 2 and more: it cannot be told.
    """  # noqa: D301 - click's mark for lines as they are
    documents = read_documents(files)
    plan = session.run(lambda hub: make_plan(RegistryClient(hub), documents, Ways(prune=prune)))
    if report is not None:
        checked = [_checked(change) for change in plan.all_changes]
        click.echo(written(report, "chappe diff", checked), nl=False)
    else:
        before, after = f"the hub at {session.url}", ", ".join(files)
        say_differences(session, plan.all_changes, before=before, after=after)
    if not plan.is_empty:
        click.get_current_context().exit(1)


@click.command()
@_files
@_dry_run
@printing(*OUTPUTS)
@destructive
def delete(session: Session, files: Sequence[str], dry_run: bool, consent: Consent) -> None:
    """Take away what files name: resources, versions, and groups that are empty then.

    \b
      chappe delete -f old.yaml --dry-run
      chappe delete -f old.yaml --yes

    A group that holds something the files do not name stays. What is not there is no error.
    """  # noqa: D301 - click's mark for lines as they are
    documents = read_documents(files)

    async def look(hub: HubClient) -> _Doomed:
        registry = RegistryClient(hub)
        tree, shape = await tree_of(registry, documents)
        return _doomed(tree, await present(registry, tree, shape))

    async def end(hub: HubClient) -> None:
        for collection, ids in doomed.requests:
            path = joined(*collection.split("/")[1:])
            await RegistryClient(hub).delete(path, {id_: {} for id_ in ids})

    doomed = session.run(look)
    if doomed.xids and not dry_run:
        confirm(session, f"This deletes {_few(doomed.xids)}", consent)
        session.run(end)
    say_done(session, [Change(xid, "removed") for xid in doomed.xids], dry_run=dry_run)
    for xid in doomed.kept:
        session.note(f"{xid} stays: it holds more than the files name")


def _checked(change: Change) -> Checked:
    if change.kind == "same":
        return Checked(change.xid)
    names = ", ".join(one.name for one in change.differences[:5])
    more = f" and {len(change.differences) - 5} more" if len(change.differences) > 5 else ""
    said = f"would be {DONE[change.kind]}" + (
        f": {names}{more}" if change.kind == "changed" else ""
    )
    return Checked(
        change.xid, [Finding(DONE[change.kind], said, where=change.xid, level="warning")]
    )


@dataclass(frozen=True, slots=True)
class _Doomed:
    """What is to go, the requests that do it (a collection, and ids in it), and groups that stay."""

    xids: Sequence[str]
    requests: Sequence[tuple[str, Sequence[str]]]
    kept: Sequence[str]


def _doomed(tree: Registry, there: Registry) -> _Doomed:
    requests: dict[str, list[str]] = {}
    xids: list[str] = []
    kept: list[str] = []
    for plural, gid, group in tree.each_group():
        present_group = there.group(plural, gid)
        if present_group is None:
            continue
        named = list(_named(group, present_group))
        xid = f"/{plural}/{gid}"
        xids += [f"{xid}/{path}" for path in named]
        if group.declared and set(_resources(present_group)) <= set(named):
            xids.append(xid)
            requests.setdefault(f"/{plural}", []).append(gid)
            continue
        if group.declared:
            kept.append(xid)
        for path in named:
            collection, _, id_ = f"{xid}/{path}".rpartition("/")
            requests.setdefault(collection, []).append(id_)
    return _Doomed(xids, list(requests.items()), kept)


def _named(group: Group, there: Group) -> Iterator[str]:
    for resources, held in group.resources.items():
        for rid, resource in held.items():
            found = there.resources.get(resources, {}).get(rid)
            if found is None:
                continue
            if resource.declared:
                yield f"{resources}/{rid}"
            else:
                versions = [vid for vid in resource.versions if vid in found.versions]
                yield from (f"{resources}/{rid}/versions/{vid}" for vid in versions)


def _resources(group: Group) -> Iterator[str]:
    for resources, held in group.resources.items():
        yield from (f"{resources}/{rid}" for rid in held)


def _few(names: Sequence[Any]) -> str:
    shown = ", ".join(map(str, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"

"""`chappe context validate`: is what the configuration says of any use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import click

from chappe.cli.config_files import ContextEntry, read_user, user_path
from chappe.cli.configured import Given, Value, configured, token_of
from chappe.cli.session import Session, local, with_values
from chappe.domain.errors import ChappeError, NotFound

_NO = 1


class _Found(NamedTuple):
    context: str
    ok: bool
    said: str


@click.command()
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option(
    "--connect", is_flag=True, help="Ask the hubs, too: whether they answer, and who one is."
)
@local("table", "json", "jsonl")
def validate(session: Session, names: Sequence[str], connect: bool) -> None:
    """Check the configuration: names, values, files that it names; 1 where something is wrong.

    \b
      chappe context validate
      chappe context validate prod --connect
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.cells import aligned
    from chappe.cli.registry_print import emit
    from chappe.cli.render import mark, printable

    user = read_user(user_path())
    unknown = [name for name in names if name not in user.contexts]
    if unknown:
        raise NotFound(
            f"context {unknown[0]!r}: there is none of that name", next="chappe context ls"
        )
    configured(Given())  # the project's file is checked with it
    chosen = [user.contexts[name] for name in names] or list(user.contexts.values())
    found = [_checked(session, one, connect=connect) for one in chosen]
    if not emit(session, [one._asdict() for one in found], answer=None):
        rows = [
            (mark("✓", "green", session) if one.ok else mark("✗", "red", session),
             "ok" if one.ok else "fail", one.context, printable(one.said))
            for one in found
        ]  # fmt: skip
        for line in aligned(rows) if rows else ():
            session.say(line)
        if not rows:
            session.note(f"{user.path} has no contexts")
    if not all(one.ok for one in found):
        click.get_current_context().exit(_NO)


def _checked(session: Session, entry: ContextEntry, *, connect: bool) -> _Found:
    try:
        said = list(_said(session, entry, connect=connect))
    except ChappeError as exc:
        return _Found(entry.name, ok=False, said=exc.message)
    return _Found(entry.name, ok=True, said=", ".join((entry.values["url"], *said)))


def _said(session: Session, entry: ContextEntry, *, connect: bool) -> Iterator[str]:
    found = configured(Given({"context": Value(entry.name, "NAME")}))
    token_of(found.values.get("token"))
    there = with_values(replace(session, verbose=False), found)
    there.tls()
    if "ca" in entry.values:
        yield f"CA {os.path.basename(entry.values['ca'])}"
    if connect:
        import msgspec

        who = msgspec.json.decode(there.run(lambda hub: hub.read("/whoami")).body)
        yield f"answers; one is {who['name']} to it"

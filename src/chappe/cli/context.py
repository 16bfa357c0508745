"""`chappe context`: the hubs that one works with, by names; and what an invocation goes by."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.config_files import ContextEntry, UserFile, is_name, read_user, user_path
from chappe.cli.config_writing import changing, table_of
from chappe.cli.configured import Configured, Value, configured
from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.context_check import validate
from chappe.cli.noun import Noun
from chappe.cli.session import Session, local
from chappe.domain.errors import Conflict, InvalidSetting, NotFound

_COLUMNS = Columns(("IN USE", "NAME", "URL", "AUTH", "PROTECTED"), wide=("CA", "OUTPUT", "TIMEOUT"))
_SHOWN = Columns(("KEY", "VALUE", "FROM"))
MASK = "***"


@click.group(cls=Noun, no_args_is_help=True)
def context() -> None:
    """Name the hubs that one works with, and choose one."""


context.add_command(validate)


@context.command()
@local("table", "json", "jsonl", "name")
@lists(_COLUMNS)
def ls(session: Session) -> None:
    """List the contexts; * is the one that commands go by here.

    \b
      chappe context ls
      chappe context ls -o name
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.render import table

    user = read_user(user_path())
    chosen = configured(session.given).chosen
    used = None if chosen is None else chosen.value
    entries = list(user.contexts.values())
    if session.output == "name":
        for one in entries:
            session.say(one.name)
        return
    shown = [
        {"name": one.name, "inuse": one.name == used, **_masked(one.values)} for one in entries
    ]
    if session.output == "table":
        table(session, _COLUMNS, [_row(one, used) for one in entries])
        if not entries:
            session.hint("chappe context add NAME --url URL")
        return
    from chappe.cli.registry_print import emit

    emit(session, shown, answer=None)


@context.command()
@click.argument("name")
@local()
def use(session: Session, name: str) -> None:
    """Choose the context that commands go by from now on; - is the one before.

    \b
      chappe context use staging
      chappe context use -
    """  # noqa: D301 - click's mark for lines as they are
    path = user_path()
    user = read_user(path)
    if name == "-":
        before = user.values.get("previous")
        if before is None:
            raise NotFound("context -: none was in use before", next="chappe context ls")
        name = before
    _entry(user, name)
    with changing(path) as document:
        _choose(document, user, name)
    session.say(name)
    # What is stronger than the choice would make it look broken.
    chosen = configured(session.given).chosen
    if chosen is not None and chosen.value != name:
        session.note(f"{chosen.place} says {chosen.value}, and wins here")


@context.command()
@click.argument("name")
@click.option("--url", required=True, help="The hub.")
@click.option(
    "--token",
    metavar="TOKEN|-",
    help="Kept in the file; - reads it from standard input. [default: what chappe login keeps]",
)
@click.option("--token-file", metavar="FILE", help="Where the token is, instead.")
@click.option("--ca", metavar="FILE", help="The authorities that vouch for the hub (PEM).")
@click.option("--output", help="The form to print in.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for an answer.")
@click.option("--protected", is_flag=True, help="What destroys needs the context's name.")
@click.option("--use", "use_", is_flag=True, help="Choose it, too.")
@click.option("--replace", "replace_", is_flag=True, help="Instead of one of that name.")
@local()
@destructive
def add(
    session: Session,
    /,
    name: str,
    token: str | None,
    protected: bool,
    use_: bool,
    replace_: bool,
    consent: Consent,
    **values: Any,
) -> None:
    """Add a context; the first one is chosen at once.

    \b
      chappe context add local --url http://127.0.0.1:4280
      chappe context add prod --url https://hub.example --protected --use
      chappe context add ci --url https://hub.example --token - < token.txt
    """  # noqa: D301 - click's mark for lines as they are
    if not is_name(name):
        raise click.UsageError(f"NAME: {name!r} is not letters, digits and . _ @ : -")
    path = user_path()
    user = read_user(path)
    if name in user.contexts and not replace_:
        raise Conflict(f"context {name!r} is there", next=f"chappe context add {name} --replace …")
    there = user.contexts.get(name)
    if there is not None and there.is_protected:
        confirm(_of(session, there), f"This replaces the context {name}", consent)
    if token is not None:
        token = sys.stdin.read().strip() if token == "-" else token  # noqa: S105
    given = {**values, "token": token, "protected": protected or None}
    from chappe.cli.config_files import check_context

    kept = check_context(name, {key: one for key, one in given.items() if one is not None})
    with changing(path) as document:
        entry = table_of(document, name)
        entry.clear()
        entry.update(kept)
        if use_ or not user.contexts:
            _choose(document, user, name)
    session.say(name)
    session.note(f"kept in {path}")
    session.hint(f"chappe context validate {name} --connect")


@context.command()
@click.argument("name", required=False)
@local("table", "json", "jsonl")
@lists(_SHOWN)
def show(session: Session, name: str | None) -> None:
    """Show what commands go by, and which place says so; with NAME, as if --context NAME.

    \b
      chappe context show
      chappe context show prod -o json
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.render import table

    given = session.given
    if name is not None:
        given = given.flagged({"context": Value(name, "NAME")})
    found = configured(given)
    shown = _effective(found)
    if session.output == "table":
        rows = [(key, _told(value), place) for key, (value, place) in shown.items()]
        table(session, _SHOWN, rows)
        return
    from chappe.cli.registry_print import emit_one
    from chappe.client.registry import encoded

    body = {key: {"value": value, "from": place} for key, (value, place) in shown.items()}
    emit_one(session, body, answer=encoded(body) + b"\n")


@context.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@local()
@destructive
def rm(session: Session, names: Sequence[str], consent: Consent) -> None:
    """Forget contexts; their hubs, and what chappe login keeps, stay as they are.

    \b
      chappe context rm staging
    """  # noqa: D301 - click's mark for lines as they are
    path = user_path()
    user = read_user(path)
    for name in names:
        entry = _entry(user, name)
        if entry.is_protected:
            confirm(_of(session, entry), f"This forgets the context {name}", consent)
    with changing(path) as document:
        for name in names:
            document["contexts"].remove(name)
            for key in ("context", "previous"):
                if document.get(key) == name:
                    document.remove(key)
    for name in names:
        session.say(name)
    if user.values.get("context") in names:
        session.note("none is in use now; choose one: chappe context use NAME")


def _of(session: Session, entry: ContextEntry) -> Session:
    from dataclasses import replace

    return replace(session, context=entry.name, protected=entry.name)


def _choose(document: Any, user: UserFile, name: str) -> None:
    before = user.values.get("context")
    if before is not None and before != name and before in user.contexts:
        document["previous"] = before
    # A key behind a table's head would be the table's.
    if "context" in document:
        document["context"] = name
    else:
        _put_first(document, name)


def _put_first(document: Any, name: str) -> None:
    rest = dict(document.items())
    for key in list(rest):
        document.remove(key)
    document["context"] = name
    for key, value in rest.items():
        document[key] = value


def _entry(user: UserFile, name: str) -> ContextEntry:
    entry = user.contexts.get(name)
    if entry is None:
        from chappe.kit.near import meant

        known = meant(name, user.contexts) if user.contexts else f"{user.path} has none"
        raise NotFound(
            f"context {name!r}: there is none of that name; {known}", next="chappe context ls"
        )
    return entry


def _effective(found: Configured) -> dict[str, tuple[Any, str]]:
    shown: dict[str, tuple[Any, str]] = {}
    if found.chosen is not None:
        shown["context"] = tuple(found.chosen)
    for key, (value, place) in found.values.items():
        shown[key] = (MASK if key == "token" else value, place)
    if "token" not in shown:
        from chappe.cli import credentials

        try:
            kept = credentials.find(shown["url"][0])
        except InvalidSetting as exc:
            shown["token"] = ("", exc.message)
        else:
            if kept is not None:
                shown["token"] = (MASK, f"chappe login ({kept.name}, {credentials.path()})")
    protecting = found.protecting()
    if protecting is not None:
        shown["protected"] = (True, f"context {protecting.name} ({found.user.path})")
    return shown


def _masked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: MASK if key == "token" else value for key, value in values.items()}


def _row(one: ContextEntry, used: str | None) -> tuple[str, ...]:
    values = one.values
    auth = "token" if "token" in values else "token file" if "token_file" in values else "login"
    more = (values.get("ca"), values.get("output"), values.get("timeout"))
    return (
        "*" if one.name == used else "",
        one.name,
        values["url"],
        auth,
        "yes" if one.is_protected else "",
        *(_told(value) for value in more),
    )


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)

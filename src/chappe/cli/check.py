"""`chappe check`: is it well? For monitoring: a verdict by exit code, and a form for each kind of it.

What is asked is in `check_read`, what is too much in `check_measures`, the forms in `check_forms`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import click
import msgspec

from chappe.cli.check_measures import MEASURES, Checked, Kind, limits, number
from chappe.cli.noun import Noun
from chappe.cli.session import Session, printing
from chappe.client.hub_client import HubClient
from chappe.domain.errors import ChappeError

F = TypeVar("F", bound=Callable[..., Any])

_UNKNOWN: Final = 3
_OVER: Final = next(one for one in MEASURES["sub"].values() if one.unit == "s")


class _Plugin(click.Command):
    """With --format nagios, wrong usage is UNKNOWN: 2 would be an alarm."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:  # type: ignore[explicit-override]
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as exc:
            if "nagios" not in given and "--format=nagios" not in given:
                raise
            click.echo(f"CHAPPE UNKNOWN - {' '.join(exc.format_message().split())}")
            ctx.exit(_UNKNOWN)


class _Over(click.ParamType):  # type: ignore[type-arg]
    name = "duration"

    def convert(  # type: ignore[explicit-override]
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return timedelta(seconds=number(_OVER, str(value)))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no duration, such as 15m", param, ctx)


def _checking(kind: Kind) -> Callable[[F], F]:
    """The options of a check; its help lists the measures."""

    def limit(ctx: click.Context, _: click.Parameter, given: Sequence[str]) -> dict[str, str]:
        try:
            return limits(kind, given)
        except ValueError as exc:
            raise click.BadParameter(str(exc), ctx) from exc

    def decorated(command: F) -> F:
        for name, what in (("--crit", "critical"), ("--warn", "a warning")):
            command = click.option(
                name,
                multiple=True,
                callback=limit,
                metavar="MEASURE=LIMIT",
                help=f"From where on it is {what}; more than once; off: never.",
            )(command)
        return click.option(
            "--format",
            "form",
            type=click.Choice(("text", "nagios", "prometheus", "json")),
            help="nagios: as a plugin, with its exit codes. [default: text]",
        )(command)

    return decorated


@click.group(cls=Noun, no_args_is_help=True)
def check() -> None:
    """Check a hub, subscriptions, channels and sources, for monitoring.

    The exit code is 0 for well, or a warning, 1 for critical, 2 and more where it cannot be told. With
    --format nagios it is the plugins': 0 well, 1 a warning, 2 critical, 3 unknown.
    """


@check.command("hub", cls=_Plugin)
@_checking("hub")
@printing("table", "json")
def hub_(session: Session, form: str | None, warn: dict[str, str], crit: dict[str, str]) -> None:
    """Check the node that answers: readiness, disk, sinks, streams.

    \b
      chappe check hub
      chappe check hub --warn free=20GB --crit free=5GB --format nagios

    Measures: state; answer, how long it took; free, disk space (critical at 1GB); disabled,
    subscriptions that the hub gave up (a warning at 1); dead-sinks (a warning at 1); streams, of those
    that may be open (80%, 95%).
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli import check_read

    asked = check_read.Asked(warn, crit, timedelta())
    _end(session, form, lambda hub: check_read.of_hub(hub, session.url, asked))


@check.command("sub", cls=_Plugin)
@click.argument("names", metavar="[ID...]", nargs=-1)
@click.option(
    "--over",
    type=_Over(),
    default="15m",
    show_default=True,
    metavar="DURATION",
    help="Over what time failures are counted.",
)
@_checking("sub")
@printing("table", "json")
def sub(
    session: Session,
    names: Sequence[str],
    over: timedelta,
    form: str | None,
    warn: dict[str, str],
    crit: dict[str, str],
) -> None:
    """Check subscriptions, or all: how far behind they are, and what fails.

    \b
      chappe check sub billing
      chappe check sub billing crm --warn lag=1000 --crit lag=10000 --crit age=10m
      chappe check sub --format prometheus > /var/lib/node_exporter/chappe.prom

    Measures: state (a warning: paused, awaiting grant, expired; critical: disabled, behind-retention);
    lag, in events; age of the oldest that is not settled (5m, 1h); dead, open dead letters (a warning
    at 1; counted up to 1000, or to a higher limit); failures, of the newest attempts (10%, 50%).
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli import check_read

    asked = check_read.Asked(warn, crit, over)
    _end(session, form, lambda hub: check_read.of_subscriptions(hub, names, asked))


@check.command("channel", cls=_Plugin)
@click.argument("names", metavar="[CHANNEL...]", nargs=-1)
@_checking("channel")
@printing("table", "json")
def channel(
    session: Session,
    names: Sequence[str],
    form: str | None,
    warn: dict[str, str],
    crit: dict[str, str],
) -> None:
    """Check channels, or all: what they keep, and since when nothing came.

    \b
      chappe check channel orders --crit silent=1h
      chappe check channel --warn used=90%

    Measures: used, of what may be kept (retention_bytes); size; silent, the time since the newest event.
    None has a limit by itself.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli import check_read

    asked = check_read.Asked(warn, crit, timedelta())
    _end(session, form, lambda hub: check_read.of_channels(hub, names, asked))


@check.command("source", cls=_Plugin)
@click.argument("names", metavar="[ID...]", nargs=-1)
@_checking("source")
@printing("table", "json")
def source(
    session: Session,
    names: Sequence[str],
    form: str | None,
    warn: dict[str, str],
    crit: dict[str, str],
) -> None:
    """Check sources, or all: whether they read, and what was set aside.

    \b
      chappe check source factory
      chappe check source --warn state=off --crit state=failing,unserved,paused

    Measures: state (a warning: paused, waiting; critical: failing, unserved); setaside, messages that
    were no events, in all.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli import check_read

    asked = check_read.Asked(warn, crit, timedelta())
    _end(session, form, lambda hub: check_read.of_sources(hub, names, asked))


def _end(
    session: Session, form: str | None, look: Callable[[HubClient], Awaitable[Sequence[Checked]]]
) -> None:
    """Print what was found, and end with what it means."""
    from chappe.cli import check_forms, check_read
    from chappe.cli.check_measures import worst
    from chappe.cli.render import printable

    form = form or ("json" if session.output == "json" else "text")

    async def looked(hub: HubClient) -> Sequence[Checked]:
        try:
            return await look(hub)
        except msgspec.MsgspecError as exc:
            raise check_read.unreadable(exc) from exc

    try:
        found = session.run(looked)
    except ChappeError as exc:
        if form != "nagios":
            raise
        session.say(
            printable(f"CHAPPE UNKNOWN - {' '.join(exc.message.replace('|', '/').split())}")
        )
        click.get_current_context().exit(_UNKNOWN)
    if not found:
        session.note("there is nothing to check")
    for line in check_forms.FORMS[form](found):
        session.say(printable(line))
    status = worst([one.status for one in found])
    if form == "nagios":
        click.get_current_context().exit(check_forms.NAGIOS[status])
    errors = [one.code for one in found if one.error]
    critical = any(one.status == "crit" and not one.error for one in found)
    click.get_current_context().exit(1 if critical else max(errors, default=0))

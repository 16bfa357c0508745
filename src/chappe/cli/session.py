"""What every command that talks to a hub shares: where the hub is, how to print, how to end.

The options stand at the root and at each command (`chappe -o json event ls`, `chappe event ls -o
json`); the command's wins. The environment is read by click (`envvar`) and nowhere else.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from chappe.domain.errors import ChappeError, NotFound

if TYPE_CHECKING:
    from chappe.client.hub_client import HubClient

DEFAULT_URL = "http://127.0.0.1:4280"
DEFAULT_TIMEOUT_S = 30.0
OUTPUTS = ("table", "json", "jsonl", "name")
REGISTRY_OUTPUTS = (*OUTPUTS, "yaml", "xregistry")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """The choices of one invocation."""

    url: str = DEFAULT_URL
    token: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    output: str = "table"
    quiet: bool = False
    color: bool = False
    hub_named: bool = False
    """Whether --url or CHAPPE_URL says where the hub is."""

    def run(self, work: Callable[[HubClient], Awaitable[T]], *, logged_in: bool = True) -> T:
        """Do `work` with a client of the hub, which sends what `chappe login` kept if need be.

        Raises:
            KeyboardInterrupt: Ctrl-C came; `work` was cancelled, and has ended in order.
        """
        import asyncio

        from chappe.cli.interrupt import Interrupt
        from chappe.client.hub_client import HubClient

        interrupt = Interrupt()

        async def with_client() -> T:
            interrupt.listen()
            token = self.token or (await self._kept() if logged_in else None)
            async with HubClient(self.url, token=token, timeout_s=self.timeout_s) as hub:
                return await work(hub)

        try:
            return asyncio.run(with_client())
        except asyncio.CancelledError:
            if interrupt.came:
                raise KeyboardInterrupt from None
            raise

    async def _kept(self) -> str | None:
        """What `chappe login` kept for the hub."""
        from chappe.cli import credentials

        if not credentials.path().exists():
            return None
        from chappe.cli.login import current

        return await current(self.url, self.timeout_s)

    def sending(self, token: str) -> Session:
        """The same with another token."""
        return replace(self, token=token)

    def say(self, text: str) -> None:
        """Print a line of data."""
        click.echo(text, color=self.color)

    def pass_through(self, body: bytes) -> None:
        """Print an answer of the API byte for byte; only a terminal gets a line end after it."""
        out = sys.stdout.buffer
        out.write(body + b"\n" if sys.stdout.isatty() and not body.endswith(b"\n") else body)
        out.flush()

    def hint(self, text: str) -> None:
        """Tell a person what to do next; a script is told nothing."""
        if not self.quiet and sys.stdout.isatty() and sys.stderr.isatty():
            click.echo(click.style(f"next:  {text}", dim=True), err=True, color=self.color)

    def note(self, text: str) -> None:
        """Say something that is no data."""
        if not self.quiet:
            click.echo(text, err=True, color=self.color)


class Failed(Exception):
    """A command ended in an error; it is to be shown to a program (`as_json`) or to a person."""

    def __init__(self, error: ChappeError, *, as_json: bool) -> None:
        super().__init__(error.message)
        self.error = error
        self.as_json = as_json


class ReaderGone(Exception):
    """Whoever read standard output has seen enough."""


def wants_color(
    when: str, *, no_color: str | None, force_color: str | None, term: str | None, tty: bool
) -> bool:
    """Whether to colour: --color, then NO_COLOR, then FORCE_COLOR, then the terminal."""
    if when != "auto":
        return when == "always"
    if no_color:
        return False
    return bool(force_color) or (tty and term != "dumb")


def root_options(command: Callable[..., T]) -> Callable[..., T]:
    """The options of the root: they read the environment and make the `Session`."""

    @functools.wraps(command)
    def parsed(ctx: click.Context, **kwargs: Any) -> T:
        named = ctx.get_parameter_source("url") is not ParameterSource.DEFAULT
        ctx.obj = Session(
            url=kwargs.pop("url"),
            hub_named=named,
            token=kwargs.pop("token"),
            timeout_s=kwargs.pop("timeout_s"),
            output=kwargs.pop("output"),
            quiet=kwargs.pop("quiet"),
            color=wants_color(
                kwargs.pop("color"),
                no_color=kwargs.pop("env_no_color"),
                force_color=kwargs.pop("env_force_color"),
                term=kwargs.pop("env_term"),
                tty=sys.stdout.isatty(),
            ),
        )
        return command(ctx, **kwargs)

    options: list[Callable[..., Any]] = [
        click.option(
            "--url",
            envvar="CHAPPE_URL",
            default=DEFAULT_URL,
            show_default=True,
            help="The hub. [env: CHAPPE_URL]",
        ),
        click.option("--token", envvar="CHAPPE_TOKEN", help="Bearer token. [env: CHAPPE_TOKEN]"),
        click.option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(min=0, min_open=True),
            default=DEFAULT_TIMEOUT_S,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait for an answer.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Choice(REGISTRY_OUTPUTS),
            default="table",
            show_default=True,
            help="json is the API's own answer, byte for byte; yaml, xregistry: of the registry.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="No hints, no notes."),
        click.option(
            "--color",
            type=click.Choice(("auto", "always", "never")),
            default="auto",
            show_default=True,
            help="auto heeds NO_COLOR, FORCE_COLOR and TERM=dumb.",
        ),
        click.option("--env-no-color", envvar="NO_COLOR", hidden=True),
        click.option("--env-force-color", envvar="FORCE_COLOR", hidden=True),
        click.option("--env-term", envvar="TERM", hidden=True),
        click.pass_context,
    ]
    return _decorated(parsed, options)


def remote(command: Callable[Concatenate[Session, P], T]) -> Callable[..., T]:
    """The options of a command that talks to a hub; the command is given the `Session` first."""
    return printing(*OUTPUTS)(command)


def printing(
    *outputs: str,
) -> Callable[[Callable[Concatenate[Session, P], T]], Callable[..., T]]:
    """As `remote`, of a command that prints in these forms."""
    return functools.partial(_remote, outputs=outputs)


def _remote(
    command: Callable[Concatenate[Session, P], T], *, outputs: tuple[str, ...]
) -> Callable[..., T]:
    @functools.wraps(command)
    def merged(ctx: click.Context, *args: Any, **kwargs: Any) -> T:
        session: Session = ctx.find_object(Session) or Session()
        given = {
            name: value
            for name in ("url", "token", "output")
            if (value := kwargs.pop(name)) is not None
        }
        named = "url" in given or session.hub_named
        session = replace(
            session, **given, hub_named=named, quiet=kwargs.pop("quiet") or session.quiet
        )
        if session.output not in outputs:
            raise click.UsageError(f"-o {session.output}: it prints {', '.join(outputs)}", ctx)
        try:
            return command(session, *args, **kwargs)
        except ChappeError as exc:
            if isinstance(exc, NotFound):
                from chappe.cli.near import with_near

                exc = with_near(session, ctx, exc)
            raise Failed(exc, as_json=session.output in ("json", "xregistry")) from exc
        except BrokenPipeError as exc:
            # By another name, or click would end the process with 1.
            raise ReaderGone from exc

    options: list[Callable[..., Any]] = [
        click.option("--url", help="The hub. [env: CHAPPE_URL]"),
        click.option("--token", help="Bearer token. [env: CHAPPE_TOKEN]"),
        click.option("-o", "--output", type=click.Choice(outputs), help="How to print."),
        click.option("-q", "--quiet", is_flag=True, help="No hints, no notes."),
        click.pass_context,
    ]
    return _decorated(merged, options)


def confirm(what: str, *, yes: bool) -> None:
    """Ask a person before something is lost; a script has to say --yes.

    Raises:
        click.UsageError: nobody is there to be asked, and --yes was not given.
        click.Abort: the person said no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}; nobody is here to be asked, so add --yes")
    click.confirm(f"{what}. Go on?", abort=True, err=True)


def _decorated(command: Callable[..., T], options: list[Callable[..., Any]]) -> Callable[..., T]:
    for option in reversed(options):
        command = option(command)
    return command

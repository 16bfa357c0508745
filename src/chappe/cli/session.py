"""What every command that talks to a hub shares: where the hub is, how to print, how to end.

The options stand at the root and at each command (`chappe -o json event ls`, `chappe event ls -o
json`); the command's wins. The environment is read by click (`envvar`); what it does not say, contexts
and files may (cli/configured).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from chappe.cli.configured import (
    DEFAULT,
    DEFAULT_URL,
    DEFAULTS,
    NOTHING,
    Configured,
    Given,
    Value,
    configured,
    token_of,
)
from chappe.domain.errors import ChappeError, NotFound

if TYPE_CHECKING:
    import ssl

    from chappe.client.hub_client import HubClient
    from chappe.client.transport import Transport

DEFAULT_TIMEOUT_S: float = DEFAULTS["timeout"]
OUTPUTS = ("table", "json", "jsonl", "name")
REGISTRY_OUTPUTS = (*OUTPUTS, "yaml", "xregistry")
ALL_OUTPUTS = ("table", "wide", *REGISTRY_OUTPUTS[1:])

P = ParamSpec("P")
T = TypeVar("T")

_TELLING: tuple[Callable[..., Any], ...] = (
    click.option("-v", "--verbose", is_flag=True, help="Say what is asked, and how long it took."),
    click.option(
        "--debug-http", is_flag=True, help="Show requests and answers, with secrets masked."
    ),
)


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
    """Whether anything says where the hub is."""
    ca: str | None = None
    context: str | None = None
    """The context that the URL is of."""
    protected: str | None = None
    """The protected context whose hub this is, however it was named."""
    given: Given = NOTHING
    """What the root's options and the environment say."""
    verbose: bool = False
    debug_http: bool = False
    accessible: bool = False
    """Nothing that a screen reader stumbles over: no cursor moves, no bars, no glyphs."""
    wide: bool = False
    columns: tuple[str, ...] = ()
    sort_by: str | None = None

    def run(self, work: Callable[[HubClient], Awaitable[T]], *, logged_in: bool = True) -> T:
        """Do `work` with a client of the hub, which sends what `chappe login` kept if need be.

        Raises:
            KeyboardInterrupt: Ctrl-C came; `work` was cancelled, and has ended in order.
        """
        import asyncio

        from chappe.cli.interrupt import Interrupt

        interrupt = Interrupt()

        async def with_client() -> T:
            interrupt.listen()
            token = self.token or (await self._kept() if logged_in else None)
            async with self.client(token) as hub:
                return await work(hub)

        try:
            done = asyncio.run(with_client())
        except asyncio.CancelledError:
            if interrupt.came:
                raise KeyboardInterrupt from None
            raise
        if interrupt.came:  # when all was done; whoever goes on (-w) must hear of it
            raise KeyboardInterrupt
        return done

    def client(self, token: str | None) -> HubClient:
        """A client of the hub that sends the token, and tells what it does if that is asked for."""
        from chappe.client.hub_client import HubClient

        transport: Transport | None = None
        if self.verbose or self.debug_http:
            from chappe.cli.http_told import told

            transport = told(self)
        return HubClient(
            self.url, token=token, timeout_s=self.timeout_s, tls=self.tls(), transport=transport
        )

    def tls(self) -> ssl.SSLContext | None:
        """How the hub's certificate is checked, where a CA is named.

        Raises:
            InvalidSetting: the CA's file is of no use.
        """
        if self.ca is None:
            return None
        import ssl

        from chappe.domain.errors import InvalidSetting

        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as exc:
            raise InvalidSetting(f"ca: {self.ca}: holds no certificates ({exc})") from exc

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
            shown = f"next:  {text}"
            click.echo(
                shown if self.accessible else click.style(shown, dim=True),
                err=True,
                color=self.color,
            )

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
        given = given_by(ctx, kwargs)
        ctx.obj = Session(
            given=given,
            token=_said("token", given),
            quiet=kwargs.pop("quiet"),
            verbose=kwargs.pop("verbose"),
            debug_http=kwargs.pop("debug_http"),
            accessible=bool(kwargs.pop("env_accessible")),
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
            "--context",
            envvar="CHAPPE_CONTEXT",
            metavar="NAME",
            help="The context, of chappe context ls. [env: CHAPPE_CONTEXT]",
        ),
        click.option(
            "--url",
            envvar="CHAPPE_URL",
            help=f"The hub. [env: CHAPPE_URL]  [default: that of the context, else {DEFAULT_URL}]",
        ),
        click.option("--token", envvar="CHAPPE_TOKEN", help="Bearer token. [env: CHAPPE_TOKEN]"),
        click.option(
            "--ca",
            envvar="CHAPPE_CA",
            type=click.Path(exists=True, dir_okay=False),
            help="File of the authorities (PEM) that vouch for the hub. [env: CHAPPE_CA]",
        ),
        click.option(
            "--timeout",
            "timeout_s",
            envvar="CHAPPE_TIMEOUT",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"How long to wait for an answer. [env: CHAPPE_TIMEOUT]  [default: {DEFAULT_TIMEOUT_S:g}]",
        ),
        click.option(
            "-o",
            "--output",
            envvar="CHAPPE_OUTPUT",
            type=click.Choice(ALL_OUTPUTS),
            help="json is the API's own answer, byte for byte; yaml the same for the eye; "
            "xregistry: of the registry. [env: CHAPPE_OUTPUT]  [default: table]",
        ),
        click.option("-q", "--quiet", is_flag=True, help="No hints, no notes."),
        *_TELLING,
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
        click.option("--env-accessible", envvar="CHAPPE_ACCESSIBLE", hidden=True),
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
    return functools.partial(_given_a_session, outputs=outputs, settled=True)


def local(
    *outputs: str,
) -> Callable[[Callable[Concatenate[Session, P], T]], Callable[..., T]]:
    """As `printing`, of a command that asks no hub: no context and no file is looked at for it.

    Without any form it prints but names, and has no --output.
    """
    return functools.partial(_given_a_session, outputs=outputs, settled=False)


def _given_a_session(
    command: Callable[Concatenate[Session, P], T], *, outputs: tuple[str, ...], settled: bool
) -> Callable[..., T]:
    offered = _offered(outputs)
    taken = (*(("context", "url", "token") if settled else ()), *(("output",) if outputs else ()))

    @functools.wraps(command)
    def merged(ctx: click.Context, *args: Any, **kwargs: Any) -> T:
        session: Session = ctx.find_object(Session) or Session()
        given = session.given.flagged(_flags(kwargs, taken))
        session = replace(
            session,
            given=given,
            quiet=kwargs.pop("quiet") or session.quiet,
            verbose=kwargs.pop("verbose", False) or session.verbose,
            debug_http=kwargs.pop("debug_http", False) or session.debug_http,
        )
        session = _settled(session, offered) if settled else _printing(session, given, offered)
        as_json = session.output in ("json", "xregistry")
        try:
            if session.output == "yaml" and "yaml" not in outputs:
                from chappe.cli.as_yaml import as_yaml

                with as_yaml():
                    return command(replace(session, output="json"), *args, **kwargs)
            return command(session, *args, **kwargs)
        except ChappeError as exc:
            if isinstance(exc, NotFound):
                from chappe.cli.near import with_near

                exc = with_near(session, ctx, exc)
            raise Failed(exc, as_json=as_json) from exc
        except BrokenPipeError as exc:
            # By another name, or click would end the process with 1.
            raise ReaderGone from exc

    asking: list[Callable[..., Any]] = [
        click.option("--context", metavar="NAME", help="The context. [env: CHAPPE_CONTEXT]"),
        click.option("--url", help="The hub. [env: CHAPPE_URL]"),
        click.option("--token", help="Bearer token. [env: CHAPPE_TOKEN]"),
    ]
    options: list[Callable[..., Any]] = [
        *(asking if settled else ()),
        *(
            (click.option("-o", "--output", type=click.Choice(offered), help="How to print."),)
            if outputs
            else ()
        ),
        click.option("-q", "--quiet", is_flag=True, help="No hints, no notes."),
        *(_TELLING if settled else ()),
        click.pass_context,
    ]
    return _decorated(merged, options)


def _offered(outputs: tuple[str, ...]) -> tuple[str, ...]:
    """What can be asked for: wide is a table with more columns, and what is JSON can be YAML."""
    found: list[str] = []
    for one in outputs:
        found.append(one)
        if one == "table":
            found.append("wide")
        if one == "json" and "yaml" not in outputs:
            found.append("yaml")
    return tuple(found)


def with_values(session: Session, found: Configured) -> Session:
    """The session at the hub that flags, the environment, contexts and files name.

    Raises:
        InvalidSetting: the file that holds the token cannot be read.
    """
    values = found.values
    protecting = found.protecting()
    ca = values.get("ca")
    return replace(
        session,
        url=values["url"].value,
        hub_named=values["url"].place != DEFAULT,
        token=token_of(values.get("token")),
        timeout_s=values["timeout"].value,
        ca=None if ca is None else ca.value,
        context=None if found.context is None else found.context.name,
        protected=None if protecting is None else protecting.name,
    )


def _settled(session: Session, offered: tuple[str, ...]) -> Session:
    """The session with what flags, the environment, contexts and files say.

    Raises:
        InvalidSetting: one of the files is wrong.
        click.UsageError: a form is asked for in which this is not printed.
    """
    found = configured(session.given)
    return with_values(_form(session, found.values["output"], offered or ("table",)), found)


def _printing(session: Session, given: Given, offered: tuple[str, ...]) -> Session:
    asked = given.flags.get("output") or given.environment.get("output")
    return _form(session, asked or Value("table", DEFAULT), offered or ("table",))


def _said(key: str, given: Given) -> Any:
    """What flags and the environment alone say."""
    found = given.flags.get(key) or given.environment.get(key)
    return None if found is None else found.value


def _form(session: Session, asked: Value, offered: tuple[str, ...]) -> Session:
    output = asked.value
    if output not in offered:
        if asked.place == _OUTPUT and offered != ("table",):
            raise click.UsageError(f"-o {output}: it prints {', '.join(offered)}")
        output = "table" if "table" in offered else offered[0]  # elsewhere it is but a wish
    wide = output == "wide"
    return replace(session, output="table" if wide else output, wide=wide)


_OUTPUT = "-o"
_PARAMETERS = {
    "context": ("context", "--context", "CHAPPE_CONTEXT"),
    "url": ("url", "--url", "CHAPPE_URL"),
    "token": ("token", "--token", "CHAPPE_TOKEN"),
    "ca": ("ca", "--ca", "CHAPPE_CA"),
    "output": ("output", _OUTPUT, "CHAPPE_OUTPUT"),
    "timeout": ("timeout_s", "--timeout", "CHAPPE_TIMEOUT"),
}


def given_by(ctx: click.Context, parameters: dict[str, Any]) -> Given:
    """What a command line, or a part of it, says by its options; those are taken out of `parameters`."""
    flags, environment = {}, {}
    for key, (parameter, flag, variable) in _PARAMETERS.items():
        value = parameters.pop(parameter, None)
        if value is None:
            continue
        if ctx.get_parameter_source(parameter) is ParameterSource.ENVIRONMENT:
            environment[key] = Value(value, variable)
        else:
            flags[key] = Value(value, flag)
    return Given(flags, environment)


def _flags(kwargs: dict[str, Any], taken: tuple[str, ...]) -> dict[str, Value]:
    return {
        key: Value(value, _PARAMETERS[key][1])
        for key in taken
        if (value := kwargs.pop(key)) is not None
    }


def _decorated(command: Callable[..., T], options: list[Callable[..., Any]]) -> Callable[..., T]:
    for option in reversed(options):
        command = option(command)
    return command

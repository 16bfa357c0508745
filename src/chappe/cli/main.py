"""`chappe`: the command line. Each command is parse, ask the hub, print; nothing more.

Standard output carries data and nothing else; hints, notes and errors go to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from chappe.cli.environment import variable
from chappe.cli.failures import EXIT_CODES, INTERRUPTED, USAGE, exit_code, lines, problem
from chappe.cli.lazy import LazyGroup
from chappe.cli.session import Failed, ReaderGone, root_options
from chappe.cli.verbs import VERBS
from chappe.domain.errors import ChappeError

COMMANDS = {
    "dev": ("chappe.cli.serve:dev", "Run a hub on this machine, engine included"),
    "serve": ("chappe.cli.serve:serve", "Run a hub as a server"),
    "init": ("chappe.cli.init:init", "Make a repository of a team's events, with CI and hooks"),
    "event": (
        "chappe.cli.event:event",
        "Send, list, get, follow, trace, validate, receive and forward events",
    ),
    "sub": ("chappe.cli.sub:sub", "Subscribe sinks to events"),
    "delivery": ("chappe.cli.delivery:delivery", "See what failed, and deliver it again"),
    "source": ("chappe.cli.source:source", "Read events from other brokers"),
    "find": ("chappe.cli.find:find", "Find types, producers, consumers, schemas by words"),
    "type": ("chappe.cli.type:type_", "See which types of events there are"),
    "producer": ("chappe.cli.producer:producer", "See who publishes events"),
    "endpoint": ("chappe.cli.endpoint:endpoint", "See where events are sent to and taken from"),
    "schema": ("chappe.cli.schema:schema", "Declare what the payload of a type looks like"),
    "apply": ("chappe.cli.apply:apply", "Make the registry what files say"),
    "diff": ("chappe.cli.apply:diff", "See what apply would change"),
    "delete": ("chappe.cli.apply:delete", "Take away what files name"),
    "export": ("chappe.cli.exchange:export", "Write the registry as files, for Git or others"),
    "import": ("chappe.cli.exchange:import_", "Take files of other formats into the registry"),
    "registry": ("chappe.cli.registry:registry", "Export, import, compare and read the registry"),
    "node": ("chappe.cli.node:node", "See the nodes of a hub"),
    "top": ("chappe.cli.top:top", "Watch a hub: rates, lag, failures"),
    "open": ("chappe.cli.open_page:open_", "Open a page of the console in the browser"),
    "api": ("chappe.cli.api:api", "Send one request of the API as it is"),
    "context": ("chappe.cli.context:context", "Name the hubs one works with, and choose one"),
    "login": ("chappe.cli.login:login", "Log in to a hub"),
    "logout": ("chappe.cli.login:logout", "Forget the login to a hub"),
    "whoami": ("chappe.cli.login:whoami", "Show who one is to a hub, and what one may"),
    "token": ("chappe.cli.token:token", "Say who may do what on a hub"),
    "hook": ("chappe.cli.hook:hook", "Judge files without a hub, before they are committed"),
    "mcp": ("chappe.cli.mcp:mcp", "Serve the hub's answers to an AI assistant"),
    "doctor": ("chappe.cli.doctor:doctor", "Check the hub and this machine"),
    "check": ("chappe.cli.check:check", "Check hub, subscriptions, channels, sources: monitoring"),
    "errors": ("chappe.cli.errors:errors", "Explain error codes: meaning, cause, cure"),
    "completion": (
        "chappe.cli.completion:completion",
        "Complete with TAB in bash, zsh, fish, PowerShell",
    ),
    "version": ("chappe.cli.version:version", "Show the version"),
    "help": ("chappe.cli.help:help_", "Explain a topic or a command; all of it as JSON"),
}
CONTEXT_WIDTH = 100
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": CONTEXT_WIDTH}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    verbs=VERBS,
    context_settings=CONTEXT,
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
@root_options
def root(ctx: click.Context) -> None:
    """A self-hosted event hub for CloudEvents.

    \b
      chappe dev                                        # start a hub
      chappe sub create --to http://127.0.0.1:9000/     # subscribe a sink
      chappe event send --type order.paid -d '{"total": 12}'
      chappe event trace POSITION                       # did it arrive?
    """  # noqa: D301 - click's mark for lines as they are


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    arguments = list(sys.argv[1:] if args is None else args)
    asked = variable("_CHAPPE_COMPLETE")
    if asked is not None:
        from chappe.cli.complete import answer

        answer(root, asked)
        sys.exit(0)
    try:
        code = root.main(
            arguments, prog_name="chappe", standalone_mode=False, terminal_width=_width()
        )
        sys.stdout.flush()
    except (ReaderGone, BrokenPipeError):
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as exc:
        code = _usage(exc)
    except Failed as exc:
        code = _failed(exc.error, as_json=exc.as_json)
    except ChappeError as exc:
        code = _failed(exc, as_json=False)
    sys.exit(code if isinstance(code, int) else 0)


def _width() -> int:
    """What help is laid out for. Click would import shutil, and with it all compressions, to ask."""
    asked = variable("COLUMNS") or ""
    try:
        columns = int(asked) if asked.isdecimal() else os.get_terminal_size().columns
    except OSError:
        columns = 80
    return max(min(columns or 80, CONTEXT_WIDTH) - 2, 50)


def _usage(exc: click.ClickException) -> int:
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        exc.show()
        return USAGE
    path = context.command_path if context is not None else "chappe"
    click.echo(f"error: wrong usage of {path}", err=True)
    click.echo(f"why:   {exc.format_message()}", err=True)
    click.echo(f"next:  {path} -h", err=True)
    return USAGE


def _failed(error: ChappeError, *, as_json: bool) -> int:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(problem(error)), err=True)
    else:
        from chappe.cli.render import printable

        for line in lines(error):
            click.echo(printable(line), err=True)
    return exit_code(error)

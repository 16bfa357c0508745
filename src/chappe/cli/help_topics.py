"""What `chappe help TOPIC` says: what holds for all commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chappe.cli.failures import EXITS
from chappe.cli.noun import ALIASES


@dataclass(frozen=True, slots=True)
class Topic:
    """A page of help; `title` is its line in the list of topics."""

    title: str
    text: str


_MEANING: Final[Mapping[int, str]] = {
    1: "refused, invalid, different, not settled in time, nothing found",
    2: "the command line, or a setting, is wrong: nothing was done",
    3: "there is no type, subscription, event or path of that name",
    4: "no token, an unknown one, or one without the right",
    5: "it changed meanwhile, exists already, or the name fits several",
    6: "the hub cannot be reached, or cannot do it now",
    7: "a mistake of the hub's; its log says more",
    130: "Ctrl-C",
}


def _exit_codes() -> str:
    rows = [
        f"  {code:>3}  {text}" + (f": {_MEANING[code]}" if code in _MEANING else "")
        for code, text in EXITS.items()
    ]
    return "\n".join(
        [
            "How a command ends: 0 is yes, 1 a clear no, 2 and more mean that it could not be told.",
            "",
            *rows,
            "",
            "  if chappe diff -f registry/; then echo same; else test $? -eq 1 && echo differs; fi",
            "",
            "Whoever reads the output and goes away early (| head) is no error.",
            "chappe check --format nagios ends as a monitoring plugin does: 0, 1, 2 or 3.",
        ]
    )


_OUTPUT: Final = """
Standard output carries data and nothing else. Hints, notes and errors go to standard error; hints
only where a person reads them.

  -o table      the default: columns, for people
  -o json       the API's own answer, byte for byte; of an error the problem object, on standard error
  -o jsonl      one object a line; events in the JSON format of CloudEvents
  -o name       one name a line, for xargs
  -o yaml       of the registry: json for the eye
  -o xregistry  of the registry: the hub's answer, byte for byte
  -o ce-http    of events: the request that publishes the event (binary mode)
  -o curl       of events: a command that publishes it

  chappe event ls -o jsonl | chappe event send -          the identity
  chappe sub ls --state disabled -o name | xargs chappe sub resume

-w of a command that reads draws it again every two seconds; piped, it prints what changes.
An error is three lines: what happened, why, and what to do next.
"""

_ENVIRONMENT: Final = """
What the command line reads from the environment. An option wins over it; a context, the project's
chappe.toml and the user's file come after it (chappe context show tells which one said what).

  CHAPPE_CONTEXT the hub by its name (--context)
  CHAPPE_URL     the hub (--url); else http://127.0.0.1:4280
  CHAPPE_TOKEN   the bearer token (--token); else the context's, else what chappe login kept
  CHAPPE_CA      the authorities that vouch for the hub, PEM (--ca)
  CHAPPE_OUTPUT  how to print, where a command can print so (--output)
  CHAPPE_TIMEOUT seconds to wait for an answer (--timeout)
  CHAPPE_CLI_CONFIG  the user's file; else chappe/config.toml in ~/.config
  CHAPPE_DATA    the hub's data directory, of the commands that run on its machine (--data)
  CHAPPE_TOKENS  the hub's tokens file (--file)
  NO_COLOR       no colours
  FORCE_COLOR    colours into a pipe, too
  TERM=dumb      no colours
  CHAPPE_ACCESSIBLE  anything: no cursor moves, no bars, no glyphs
  EDITOR, VISUAL what chappe sub edit opens
  K_SINK         where chappe event send posts to where no hub is named (Knative's SinkBinding)
  K_CE_OVERRIDES extensions that it gives the events then
  K_CA_CERTS     certificates (PEM) to trust there

Each setting of chappe serve and chappe dev is a variable CHAPPE_…, too: see chappe serve -h.
"""

_FILTERS: Final = """
Which events a subscription gets; every one that is given must hold.

  --type order.paid                   the type; more than once: any of them
  --source /shop                      the source
  --filter exact:subject=eu-7         an attribute is this
  --filter prefix:subject=eu-         it begins so
  --filter suffix:type=.paid          it ends so
  --sql "type LIKE 'order.%' AND hop < 5"       CESQL
  --filter-json '[{"any": [{"exact": {"subject": "eu"}}, {"prefix": {"type": "a."}}]}]'

  chappe sub explain EVENT            which test decided, of each subscription

Lists of the registry (type ls, schema ls, endpoint ls) take filters of xRegistry and labels:

  --filter 'description=*refund*'     with wildcards; a,b: both; more than once: any of them
  --label stage=prod                  with that label

docs/filters.md has all of them.
"""

_TIME: Final = """
Where a time is asked for (--since, --until, --from):

  2026-11-22T10:00:00Z   RFC 3339, with its zone
  90s  15m  2h  7d  2w   so long ago
  now  today  yesterday  today and yesterday begin at midnight, UTC

Where a place in a channel is asked for, a position (2-1041-7), latest and earliest are good, too.
Durations and limits (--wait, --timeout) are seconds, where nothing else is said. Rates are a second:
500, 500/s, 30/m. Sizes for people are powers of ten, with their unit.

Times in data are UTC, RFC 3339, in milliseconds.
"""


def _names() -> str:
    other = "\n".join(f"  {alias:<9} {of}" for alias, of in ALIASES.items())
    return "\n".join(
        [
            "A command is a thing and what is done to it: chappe sub ls. Some words are known, too:",
            "",
            other,
            "",
            "Beginnings of names (chappe su l) are not accepted: what is unique today may fit two",
            "commands tomorrow, and scripts would break.",
        ]
    )


TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        "exit-codes": Topic("how commands end, for scripts", _exit_codes()),
        "output": Topic("the forms of output, and what goes where", _OUTPUT),
        "environment": Topic("the variables that are read", _ENVIRONMENT),
        "filters": Topic("which events a subscription gets, which entities a list has", _FILTERS),
        "time": Topic("times, durations, rates and sizes", _TIME),
        "names": Topic("the words of commands, and others for them", _names()),
    }
)

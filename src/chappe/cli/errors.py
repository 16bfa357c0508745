"""`chappe errors`: what each code means, where it comes from, and what cures it. No hub is asked.

A code is one of an error that an API answers, or of a rule by which a linter judges files and types.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import click

from chappe.cli.noun import Noun
from chappe.cli.render import printable, table
from chappe.cli.session import Session, remote
from chappe.domain.error_guide import HUB, Explained
from chappe.domain.error_guide_confluent import CONFLUENT
from chappe.domain.error_guide_registry import REGISTRY
from chappe.domain.errors import Malformed, NotFound
from chappe.domain.lint_guide import LINTERS, Level
from chappe.kit.near import nearby

Api = Literal["hub", "registry", "confluent", "lint"]

_TABLES: Final[Mapping[Literal["hub", "registry", "confluent"], Mapping[str, Explained]]] = {
    "hub": HUB,
    "registry": REGISTRY,
    "confluent": CONFLUENT,
}
_MOST: Final = 1 << 20
_SAID: Final = ("title", "detail", "message", "subject", "attribute", "value", "rule", "errors")
"""What an answer says of its own case."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of one API; a rule of a linter has no status, but a level and the command that finds it."""

    code: str
    api: Api
    status: int | None
    meaning: str
    cause: str
    cure: str
    level: Level | None = None
    linter: str | None = None

    @property
    def weight(self) -> str:
        """The status, or the level."""
        return str(self.status or self.level)


@click.group(cls=Noun, no_args_is_help=True)
def errors() -> None:
    """Explain error codes: what they mean, where they come from, what cures them."""


@errors.command("ls")
@click.option("--api", type=click.Choice((*_TABLES, "lint")), help="Only those of this API.")
@remote
def ls(session: Session, api: Api | None) -> None:
    """List the codes of the hub, of its registry, of its Confluent API, and the rules of linters.

    \b
      chappe errors ls
      chappe errors ls --api registry -o name
      chappe errors ls --api lint
    """  # noqa: D301 - click's mark for lines as they are
    found = [one for one in _all() if api in (None, one.api)]
    match session.output:
        case "json":
            session.say(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        case "jsonl":
            for one in found:
                session.say(json.dumps(asdict(one), ensure_ascii=False))
        case "name":
            for one in found:
                session.say(one.code)
        case _:
            rows = [(one.code, one.linter or one.api, one.weight, one.meaning) for one in found]
            table(session, ("CODE", "API", "STATUS", "MEANING"), rows)


@errors.command("explain")
@click.argument("code", metavar="CODE|-")
@remote
def explain(session: Session, code: str) -> None:
    """Explain a code, a linter's rule, the type of a problem, an HTTP status, or an answer on standard input.

    \b
      chappe errors explain schema_mismatch
      chappe errors explain no-owner
      chappe errors explain https://github.com/xregistry/spec/blob/main/core/spec.md#mismatched_epoch
      curl -s http://127.0.0.1:4280/events/none | chappe errors explain -
    """  # noqa: D301 - click's mark for lines as they are
    answer = _answer() if code == "-" else {}
    name = _code_of(answer) if answer else code.strip()
    found = explained(name)
    if session.output in ("json", "jsonl"):
        for one in found:
            session.say(json.dumps(asdict(one), ensure_ascii=False))
        return
    if session.output == "name":
        for one in found:
            session.say(one.code)
        return
    for line in _said(answer):
        session.say(printable(line))
    for number, one in enumerate(found):
        if number or answer:
            session.say("")
        of = f"a rule of chappe {one.linter}" if one.linter else _OF[one.api]
        session.say(f"{one.code}  {one.weight}  {of}")
        session.say(f"  means  {one.meaning}")
        if one.cause:
            # A rule finds its cause itself; what is not plain is why it is one.
            session.say(f"  {'why  ' if one.linter else 'cause'}  {one.cause}")
        session.say(f"  cure   {one.cure}")


_OF: Final = {
    "hub": "a problem of the hub",
    "registry": "an error of the registry (xRegistry)",
    "confluent": "an error below /confluent",
}


def explained(name: str) -> Sequence[Entry]:
    """What there is of a code, of the end of a type, or of an HTTP status; several APIs may have it.

    Raises:
        NotFound: there is none; its `next` names those that are like it.
    """
    short = name.rpartition("#")[2].removeprefix("urn:chappe:error:")
    every = list(_all())
    found = [one for one in every if short in (one.code, str(one.status))]
    if found:
        # "https://…/core/spec.md#not_found" is the registry's, and nobody else's.
        return [one for one in found if one.api == "registry"] or found if "#" in name else found
    # Capitals and other signs are no mistake of meaning.
    plain = short.casefold().replace("-", "_").replace(" ", "_")
    codes = {one.code.replace("-", "_"): one.code for one in every}
    near = [codes[one] for one in nearby(plain, codes)]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise NotFound(
        f"errors: there is no code {name[:80]!r}", next=f"{meant}all of them: chappe errors ls"
    )


def _all() -> Iterator[Entry]:
    for api, texts in _TABLES.items():
        for code, one in texts.items():
            yield Entry(code, api, one.status, one.meaning, one.cause, one.cure)
    for linter, rules in LINTERS.items():
        for code, rule in rules.items():
            yield Entry(code, "lint", None, rule.meaning, rule.why, rule.cure, rule.level, linter)


def _answer() -> dict[str, Any]:
    text = sys.stdin.buffer.read(_MOST)
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise Malformed(f"standard input: no JSON ({exc})") from exc
    if not isinstance(found, dict) or not found:
        raise Malformed("standard input: no problem: a JSON object with a `code` or a `type`")
    return found


def _code_of(answer: dict[str, Any]) -> str:
    for name in ("code", "error_code", "type"):
        if isinstance(found := answer.get(name), str | int):
            # A registry's error has no code; what it has is told by its type.
            return str(found)
    raise Malformed(f"standard input: has no `code`, `type` or `error_code`: {sorted(answer)[:10]}")


def _said(answer: dict[str, Any]) -> Iterator[str]:
    for name in _SAID:
        if name in answer:
            value = answer[name]
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{name:<9} {text[:2000]}"

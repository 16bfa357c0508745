"""What could not be delivered: /deadletters, and delivering it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from chappe.domain import dead_letter
from chappe.domain.access import OPERATE, READ, Right, require
from chappe.domain.channel import DEFAULT
from chappe.domain.errors import Malformed, NotFound
from chappe.domain.position import Position, is_position
from chappe.flows.redrive import STATES, Letter, LetterQuery, Redriven
from chappe.formats import cloudevents_json
from chappe.formats.fields import Fields, decode_json
from chappe.formats.times import rfc3339
from chappe.http.exchange import DRY_RUN, Header, Request, Response, json_response, raw_json
from chappe.http.paging import MAX_BLOCK, limit_of, next_link, time_ms
from chappe.http.parts import Parts
from chappe.http.scope import of_letters, subscribed

FILTERS: Final = ("subscription", "type", "source", "reason", "from", "until")
LIST_PARAMETERS: Final = (*FILTERS, "state", "position", "limit")
PURGE_PARAMETERS: Final = (*FILTERS, "all", "dry_run")
DISCARD_PARAMETERS: Final = ("dry_run",)
MOST_RATE: Final = 100_000.0


async def list_page(parts: Parts, request: Request) -> Response:
    """A page of dead letters, the newest first."""
    given = request.query
    query = _query(given)
    page = await parts.redrive.page(query)
    links: tuple[Header, ...] = ()
    if page.next is not None:
        links = ((b"link", next_link(request.path, given, Position(0, *page.next))),)
    return json_response([_letter(letter) for letter in page.letters], headers=links)


async def one(parts: Parts, request: Request) -> Response:
    """One dead letter, with the event and what redrives did."""
    letter = await _allowed(parts, request, READ)
    shown = _letter(letter)
    shown["redrives"] = [
        {
            "redrive": row.subscription,
            "attempt": row.attempt,
            "at": rfc3339(row.at_ms),
            "status": row.status,
            "result": row.result,
            **({} if row.reason is None else {"reason": row.reason}),
        }
        for row in letter.attempts
        if row.result != "discarded"
    ]
    shown["event"] = raw_json(cloudevents_json.encode(dead_letter.buried_event(letter.event)))
    return json_response(shown)


async def redrive_many(parts: Parts, request: Request) -> Response:
    """Deliver again all that fit."""
    fields = _body(request, (*FILTERS, "all", "to", "rate", "dry_run"))
    given = {name: fields.need_text(name) for name in FILTERS if name in fields}
    if not given and not _flag(fields, "all"):
        raise _unfiltered()
    groups = of_letters(parts.state.value, {}, given)
    require(request.principal, OPERATE, *(groups or ()))
    done = await parts.redrive.redrive(_query(given), **_how(fields, request))
    return _redriven(done, dry_run=_flag(fields, "dry_run"))


async def redrive_one(parts: Parts, request: Request) -> Response:
    """Deliver one again."""
    fields = _body(request, ("to", "rate", "dry_run"))
    await _allowed(parts, request, OPERATE)
    done = await parts.redrive.redrive(_position(request), **_how(fields, request))
    return _redriven(done, dry_run=_flag(fields, "dry_run"))


async def discard_many(parts: Parts, request: Request) -> Response:
    """Put away all that fit."""
    given = {name: value for name, value in request.query.items() if name in FILTERS}
    if not given and _boolean("all", request.query) is not True:
        raise _unfiltered()
    dry_run = _boolean("dry_run", request.query)
    count, more = await parts.redrive.discard(
        _query(given), dry_run=dry_run, by=request.principal.name
    )
    shown = {"letters": count, "more": more, "dry_run": dry_run}
    return json_response(shown, headers=(DRY_RUN,) if dry_run else ())


async def discard_one(parts: Parts, request: Request) -> Response:
    """Put one away; with `dry_run` it is answered as it is."""
    position = _position(request)
    await _allowed(parts, request, OPERATE)
    dry_run = _boolean("dry_run", request.query)
    await parts.redrive.discard(position, dry_run=dry_run, by=request.principal.name)
    return json_response(_letter(await parts.redrive.one(position)))


async def _allowed(parts: Parts, request: Request, right: Right) -> Letter:
    """The letter of the path, for who has the right where its event was."""
    letter = await parts.redrive.one(_position(request))
    channel = letter.event.extensions.get(dead_letter.CHANNEL, DEFAULT)
    require(request.principal, right, *subscribed(str(channel)))
    return letter


def _query(given: Mapping[str, str]) -> LetterQuery:
    state = given.get("state")
    if state is not None and state not in STATES:
        raise Malformed(f"parameter state: {state!r} is unknown; known: {', '.join(STATES)}")
    after = Position.parse(given["position"]) if "position" in given else None
    query = LetterQuery(
        subscription=given.get("subscription"),
        type=given.get("type"),
        source=given.get("source"),
        reason=given.get("reason"),
        from_ms=time_ms("from", given["from"]) if "from" in given else None,
        until_ms=time_ms("until", given["until"]) if "until" in given else None,
        after=None if after is None else (min(after.block, MAX_BLOCK), after.index),
        limit=limit_of(given["limit"]) if "limit" in given else 100,
    )
    known = frozenset(one for one in STATES if one == state)
    return replace(query, states=known) if known else query


def _how(fields: Fields, request: Request) -> dict[str, Any]:
    rate = None
    if "rate" in fields:
        rate = fields.number("rate", 0.0, least=0.001, most=MOST_RATE)
    return {
        "to": fields.text("to"),
        "rate": rate,
        "dry_run": _flag(fields, "dry_run"),
        "by": request.principal.name,
    }


def _body(request: Request, known: tuple[str, ...]) -> Fields:
    document = decode_json(request.body, "body") if request.body else {}
    return Fields(document, known=frozenset(known))


def _flag(fields: Fields, name: str) -> bool:
    value = fields.raw(name) if name in fields else False
    if not isinstance(value, bool):
        raise Malformed(f"{name}: {value!r} was sent, true or false is needed")
    return value


def _boolean(name: str, given: Mapping[str, str]) -> bool:
    text = given.get(name, "false")
    if text not in ("true", "false", ""):
        raise Malformed(f"parameter {name}: {text!r} is neither true nor false")
    return text != "false"


def _unfiltered() -> Malformed:
    return Malformed(f"no filter was sent, one of {', '.join(FILTERS)}; `all` means every letter")


def _position(request: Request) -> Position:
    text = request.params["position"]
    if not is_position(text):
        raise NotFound(f"dead letter {text!r}: that is no position, such as 0-1041-7")
    position = Position.parse(text)
    if position.block > MAX_BLOCK:
        raise NotFound(f"dead letter {text!r}: no log is that long")
    return position


def _redriven(done: Redriven, *, dry_run: bool) -> Response:
    return json_response(
        {
            "letters": dict(done.letters),
            "ended": dict(done.ended),
            "redrives": [one.id for one in done.companions],
            "more": done.more,
            "dry_run": dry_run,
        },
        200 if dry_run else 202,
        (DRY_RUN,) if dry_run else (),
    )


def _letter(letter: Letter) -> dict[str, Any]:
    event, said = letter.event, letter.event.extensions
    shown: dict[str, Any] = {
        "position": str(letter.position),
        "buriedat": rfc3339(letter.at_ms),
        "state": letter.state,
        "subscription": letter.subscription,
        "reason": letter.reason,
        "status": said.get(dead_letter.STATUS),
        "attempts": said.get(dead_letter.ATTEMPTS, 0),
        "redriven": said.get(dead_letter.REDRIVES, 0),
        "channel": said.get(dead_letter.CHANNEL, "default"),
        "eventposition": said.get(dead_letter.POSITION, ""),
        "type": event.type,
        "source": event.source,
        "id": event.id,
    }
    if event.subject is not None:
        shown["subject"] = event.subject
    discarded = [row for row in letter.attempts if row.result == "discarded"]
    if discarded:
        shown["discarded"] = {
            "at": rfc3339(discarded[-1].at_ms),
            "reason": discarded[-1].reason or "",
        }
    return shown

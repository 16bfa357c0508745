"""The paths of a subscription's life in the published OpenAPI: pause, replay, dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chappe.http.openapi_hub_schemas import COUNT, NUMBER, TEXT, TEXTS, TIME, array_of, object_of
from chappe.http.openapi_parts import (
    OF_THE_HUB,
    PARAMETERS,
    answer,
    body,
    in_path,
    operation,
    query,
    schema,
)
from chappe.http.openapi_schemas import Schema

FLAG: Final[Schema] = {"type": "boolean"}
_DRY_RUN: Final = PARAMETERS["dryrun"]
_DRY: Final = ("chappe-dry-run",)
_STATE: Final[Schema] = {"enum": ["open", "redriving", "redriven", "discarded"]}
_RATE: Final[Schema] = {"type": "number", "minimum": 0.001, "maximum": 100_000}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": COUNT}
_ID: Final = in_path("id", "The subscription's id.", pattern=".")
_POSITION: Final = in_path("position", "Where the letter stands, such as 0-1041-7.", pattern=".")
_FILTERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "subscription": ("Letters of this subscription.", TEXT),
    "type": ("Events of this type.", TEXT),
    "source": ("Events of this source.", TEXT),
    "reason": ("A part of the reason, in any case.", TEXT),
    "from": ("Given up then or later.", TIME),
    "until": ("Given up before.", TIME),
}
_HOW: Final[Mapping[str, Schema]] = {
    "to": {**TEXT, "description": "A subscription instead of the one that failed."},
    "rate": {**_RATE, "description": "Events a second at most."},
    "dry_run": FLAG,
}
_FILTERED: Final = [query(name, *said) for name, said in _FILTERS.items()]

LIFE_SCHEMAS: Final[Mapping[str, Schema]] = {
    "DeadLetter": object_of(
        {
            "position": TEXT,
            "buriedat": TIME,
            "state": _STATE,
            "subscription": TEXT,
            "reason": TEXT,
            "status": {"type": ["integer", "null"]},
            "attempts": COUNT,
            "redriven": COUNT,
            "channel": TEXT,
            "eventposition": TEXT,
            "type": TEXT,
            "source": TEXT,
            "id": TEXT,
            "subject": TEXT,
            "discarded": object_of({"at": TIME, "reason": TEXT}, "at"),
            "redrives": array_of(
                object_of(
                    {
                        "redrive": TEXT,
                        "attempt": COUNT,
                        "at": TIME,
                        "status": {"type": ["integer", "null"]},
                        "result": TEXT,
                        "reason": TEXT,
                    },
                    "redrive", "attempt", "at", "result",
                )
            ),
            "event": schema("Event"),
        },
        "position", "buriedat", "state", "subscription", "reason", "type", "source", "id",
    ),
    "Redrive-sent": object_of(
        {**{name: said[1] for name, said in _FILTERS.items()}, "all": FLAG, **_HOW}, closed=True
    ),
    "Redrive-one-sent": object_of(_HOW, closed=True),
    "Redriven": object_of(
        {"letters": _COUNTS, "ended": _COUNTS, "redrives": TEXTS, "more": FLAG, "dry_run": FLAG},
        "letters", "ended", "redrives", "more", "dry_run",
    ),
    "Purged": object_of({"letters": COUNT, "more": FLAG, "dry_run": FLAG}, "letters", "more"),
    "Tried": object_of(
        {
            "sink": TEXT,
            "protocol": TEXT,
            "event": object_of({"id": TEXT, "source": TEXT, "type": TEXT}, "id", "source", "type"),
            "signed": FLAG,
            "delivered": FLAG,
            "status": {"type": ["integer", "null"]},
            "latency_ms": COUNT,
            "reason": TEXT,
        },
        "sink", "protocol", "event", "signed", "delivered", "status", "latency_ms",
    ),
    "Replay-sent": object_of(
        {
            "from": {**TEXT, "description": "earliest, a time (RFC 3339) or a position"},
            "until": {**TEXT, "description": "a time, or a position, which is the last"},
            "rate": _RATE,
            "sink": TEXT,
            "protocol": TEXT,
            "protocolsettings": {"type": "object"},
            "sinkcredential": {"type": "object"},
            "dry_run": FLAG,
        },
        "from",
        closed=True,
    ),
    "Replay": object_of(
        {
            "events": COUNT,
            "bytes": COUNT,
            "exact": FLAG,
            "seconds": {**NUMBER, "type": ["number", "null"]},
            "subscription": schema("Subscription"),
        },
        "events", "exact", "seconds",
    ),
}  # fmt: skip


def life_paths() -> dict[str, Schema]:
    """The path items, by path."""
    return {**_subscriptions(), **_dead_letters()}


def _subscriptions() -> dict[str, Schema]:
    def post(name: str, summary: str, responses: Schema, **more: Any) -> Schema:
        return operation(
            f"post.subscriptions.id.{name}", summary, "subscriptions", "subscribe",
            responses={**responses, **OF_THE_HUB}, **more,
        )  # fmt: skip

    shown = {"200": answer("As it is shown.", schema("Subscription"))}
    replayed: Schema = {
        "200": answer("A dry run: what it would be.", schema("Replay"), headers=_DRY),
        "201": answer("What delivers, and how much.", schema("Replay"), headers=["Location"]),
    }
    again = body(schema("Replay-sent"))
    return {
        "/subscriptions/{id}/pause": _item(
            [_ID], post=post("pause", "Let delivery rest", shown, parameters=[_DRY_RUN])
        ),
        "/subscriptions/{id}/resume": _item(
            [_ID], post=post("resume", "Let delivery go on", shown, parameters=[_DRY_RUN])
        ),
        "/subscriptions/{id}/replay": _item(
            [_ID], post=post("replay", "Deliver stored events again", replayed, request=again)
        ),
    }


def _dead_letters() -> dict[str, Schema]:
    def of(
        id: str,
        summary: str,
        right: str,
        responses: Schema,
        parameters: Sequence[Schema] = (),
        **more: Any,
    ) -> Schema:
        return operation(
            id, summary, "dead letters", right,
            responses={**responses, **OF_THE_HUB}, parameters=list(parameters), **more,
        )  # fmt: skip

    letter = {"200": answer("As it is shown.", schema("DeadLetter"))}
    redriven: Schema = {
        "200": answer("A dry run: what it would be.", schema("Redriven"), headers=_DRY),
        "202": answer("What delivers them.", schema("Redriven")),
    }
    listing = [
        *_FILTERED,
        query("state", "In this state; absent: all but discarded.", _STATE),
        query("position", "Behind this letter.", TEXT),
        query("limit", "The most letters of a page.",
              {"type": "integer", "minimum": 1, "maximum": 1000}),
    ]  # fmt: skip
    purging = [
        *_FILTERED,
        query("all", "Every letter; or else a filter is needed.", FLAG),
        query("dry_run", "Do nothing, and say how many it would be.", FLAG),
    ]
    found = answer("A page, the newest first.", array_of(schema("DeadLetter")), headers=["Link"])
    purged = answer("How many.", schema("Purged"), headers=_DRY)
    return {
        "/deadletters": _item(
            [],
            get=of("get.deadletters", "List dead letters", "read", {"200": found}, listing),
            delete=of("delete.deadletters", "Put letters away", "operate", {"200": purged}, purging),
        ),
        "/deadletters/redrive": _item(
            [],
            post=of("post.deadletters.redrive", "Deliver letters again", "operate", redriven,
                    request=body(schema("Redrive-sent"))),
        ),
        "/deadletters/{position}": _item(
            [_POSITION],
            get=of("get.deadletters.position", "Read one letter", "read", letter),
            delete=of("delete.deadletters.position", "Put one away", "operate", letter,
                      [query("dry_run", "Do nothing, and show it.", FLAG)]),
        ),
        "/deadletters/{position}/redrive": _item(
            [_POSITION],
            post=of("post.deadletters.position.redrive", "Deliver one again", "operate", redriven,
                    request=body(schema("Redrive-one-sent"), required=False)),
        ),
    }  # fmt: skip


def _item(parameters: Sequence[Schema], **operations: Schema) -> Schema:
    return {**({"parameters": list(parameters)} if parameters else {}), **operations}

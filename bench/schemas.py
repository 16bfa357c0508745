"""Schemas over HTTP: Confluent's API and validation on demand, on a hub whose writes are on disk.

    python -m bench schemas

Rates are those of a thin client with 16 connections. "per core" is answers for each second of processor
time that the hub and its helpers used, so that it stands on a machine that does other work; beside it
the share of what the do-nothing handler on the hub's own HTTP server does for its own, in the same
rounds. Schemas and payloads have some 1 KB; "new" texts were never sent before.
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from bench import load, processes

CALLERS: Final = 16
SECONDS: Final = 2.0
ROUNDS: Final = 3
VENDOR: Final = "application/vnd.schemaregistry.v1+json"
UNIQUE: Final = "@@"
"""What load.requests puts something else for in each request."""

FIELDS: Final = 20
ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class _Language:
    """A schema of some 1 KB, `name` in it where a new one is to differ, and a payload."""

    type: str
    format: str
    media_type: str
    payload: str

    def schema(self, name: str, *, more: bool = False) -> str:
        """The text; `more` has another field, which old data survive."""
        count = FIELDS + more
        match self.type:
            case "AVRO":
                fields: list[dict[str, Any]] = [
                    {"name": f"field_{at}", "type": "long", "default": 0, "doc": "a field"}
                    for at in range(count)
                ]
                return json.dumps({"type": "record", "name": "R", "doc": name, "fields": fields})
            case "JSON":
                properties = {f"field_{at}": {"type": "integer"} for at in range(FIELDS)}
                tail = {} if more else {"field_99": {"type": "string"}}
                schema = {"type": "object", "title": name, "properties": properties | tail}
                return json.dumps({**schema, "$schema": _DRAFT_07})
            case "PROTOBUF":
                lines = "".join(f"  int64 field_{at} = {at + 1};\n" for at in range(count))
                option = f'option java_package = "{name}";'
                return f'syntax = "proto3";\n{option}\nmessage R {{\n{lines}}}\n'
            case _:
                inner = "".join(
                    f'<xs:element name="field_{at}" type="xs:int" minOccurs="0"/>'
                    for at in range(count)
                )
                return (
                    f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><!-- {name} -->'
                    '<xs:element name="r"><xs:complexType><xs:sequence>'
                    f"{inner}</xs:sequence></xs:complexType></xs:element></xs:schema>"
                )


_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_VALUES: Final = {f"field_{at}": at for at in range(FIELDS)}
_JSON: Final = json.dumps(_VALUES)
LANGUAGES: Final = (
    _Language("AVRO", "Avro/1.12", "application/json", _JSON),
    _Language("JSON", "JsonSchema/draft-07", "application/json", _JSON),
    _Language("PROTOBUF", "Protobuf/3", "application/json", _JSON),
    _Language(
        "XSD",
        "XSD/1.0",
        "application/xml",
        f"<r>{''.join(f'<{name}>{value}</{name}>' for name, value in _VALUES.items())}</r>",
    ),
)


@dataclass(frozen=True, slots=True)
class _Side:
    """One kind of request, and what is hoped of it for each core."""

    title: str
    method: str
    path: str
    body: str = ""
    media_type: str = VENDOR
    aim: int = 0

    def head(self, url: str) -> str:
        """The request up to its body."""
        size = len(self.body.replace(UNIQUE, "0" * ID_DIGITS).encode())
        return (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: {url.rpartition('/')[2]}\r\n"
            f"Content-Type: {self.media_type}\r\nContent-Length: {size}\r\n\r\n"
        )


@dataclass(frozen=True, slots=True)
class _Found:
    rate: float
    per_core: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure and print."""
    print(f"\nSchemas of 1 KB over HTTP, {CALLERS} callers, writes acknowledged on disk")
    with ExitStack() as stack:
        hub, hub_pid = stack.enter_context(processes.hub_process())
        nothing, nothing_pid = stack.enter_context(processes.python_process("bench.do_nothing"))
        sides = _prepared(hub)
        idle = _Side("do nothing", "POST", "/events", _JSON)
        rounds: list[dict[str, _Found]] = []
        for _ in range(ROUNDS):
            found = {idle.title: _measured(nothing, nothing_pid, idle)}
            for side in sides:
                found[side.title] = _measured(hub, hub_pid, side)
            rounds.append(found)
    print(
        "                                        /s   per core  p50 ms  p99 ms | of do nothing   aim"
    )
    for side in (idle, *sides):
        _row(side, rounds)


def _row(side: _Side, rounds: Sequence[dict[str, _Found]]) -> None:
    each = [found[side.title] for found in rounds]
    per_core = statistics.median(one.per_core for one in each)
    share = statistics.median(
        found[side.title].per_core / found["do nothing"].per_core for found in rounds
    )
    print(
        f"  {side.title:<32} {statistics.median(one.rate for one in each):9,.0f} {per_core:10,.0f}"
        f" {statistics.median(one.p50_ms for one in each):7.2f}"
        f" {statistics.median(one.p99_ms for one in each):7.2f} | {share:12.1%}"
        + (f"   >= {side.aim:,} per core" if side.aim else "")
    )


def _measured(url: str, pid: int, side: _Side) -> _Found:
    before = processes.used_s(pid)
    found = load.requests(url, side.head(url), side.body, CALLERS, SECONDS)
    used = processes.used_s(pid) - before
    if found.errors:
        sys.exit(f"{side.title}: {found.errors} requests were refused; the figures mean nothing")
    return _Found(found.rate, found.answers / used, found.p50_ms, found.p99_ms)


def _prepared(hub: str) -> list[_Side]:
    """Register what is asked for; the kinds of requests."""
    ids: dict[str, int] = {}
    for one in LANGUAGES:
        text = base64.b64encode(one.schema("stored").encode()).decode()
        body = {"format": one.format, "schemabase64": text}
        path = f"{hub}/schemagroups/bench/schemas/{one.type.lower()}$details"
        processes.call("PUT", path, body)
        if one.type != "XSD":
            sent = {"schemaType": one.type, "schema": one.schema("stored")}
            registered = processes.call(
                "POST", f"{hub}/confluent/subjects/{one.type}/versions", sent
            )
            ids[one.type] = registered["id"]
    sides = [
        _Side("GET by id", "GET", f"/confluent/schemas/ids/{ids['AVRO']}", aim=5_000),
        _Side("GET the latest version", "GET", "/confluent/subjects/AVRO/versions/latest"),
    ]
    kafka = [one for one in LANGUAGES if one.type != "XSD"]
    for one in kafka:
        known = json.dumps({"schemaType": one.type, "schema": one.schema("stored")})
        new = json.dumps({"schemaType": one.type, "schema": one.schema(UNIQUE)})
        later = json.dumps({"schemaType": one.type, "schema": one.schema("later", more=True)})
        newer = json.dumps({"schemaType": one.type, "schema": one.schema(UNIQUE, more=True)})
        check = f"/confluent/compatibility/subjects/{one.type}/versions/latest"
        subjects = "/confluent/subjects"
        type_ = one.type
        sides += [
            _Side(
                f"register, new, {type_}", "POST", f"{subjects}/n-{UNIQUE}/versions", new, aim=300
            ),
            _Side(f"register, known, {type_}", "POST", f"{subjects}/{type_}/versions", known),
            _Side(f"look up, {type_}", "POST", f"{subjects}/{type_}", known),
            _Side(f"check, {type_}", "POST", check, later, aim=1_000),
            _Side(f"check, new, {type_}", "POST", check, newer, aim=1_000),
        ]
    for one in LANGUAGES:
        path = f"/validate?schema=/schemagroups/bench/schemas/{one.type.lower()}"
        sides.append(_Side(f"validate, {one.type}", "POST", path, one.payload, one.media_type))
    return sides


if __name__ == "__main__":
    main()

"""Recorded exchanges of the xRegistry reference server, replayed against the registry in process.

    python -m tests.spec.xregistry_replay -v --only TestHTTPGroups

Each test starts on an empty registry; its exchanges run in order. Compared are the status, the
`xRegistry-` headers, `Location` and the body: JSON without regard to the order of keys, each timestamp
by the order in which it is first seen, `shortself`, `source` and `title` by their presence alone.
The vectors are a witness, not the law: see xregistry_divergences.json.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chappe.http.exchange import Response
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked, Edge
from chappe.registry.capabilities import Offer, initial
from chappe.registry.entity import Tree
from chappe.registry.request import Rules
from chappe.registry.write import empty_tree

HERE = Path(__file__).parent
VECTORS = Path(os.environ.get("CHAPPE_VECTORS", HERE.parents[2] / "shared" / "vectors"))
EXCHANGES = VECTORS / "xregistry" / "exchanges.jsonl.gz"
DIVERGENCES = HERE / "xregistry_divergences.json"

BASE = "http://localhost:8181"
START = datetime(2026, 11, 22, 10, tzinfo=UTC)
COMPATIBILITIES = (
    "backward", "backward_transitive", "forward", "forward_transitive", "full", "full_transitive",
)  # fmt: skip
OFFER = Offer(
    compatibilities=dict.fromkeys(
        ("avro*", "jsonschema*", "jsonstructure*", "numbers", "protobuf*", "xmlschema*"),
        COMPATIBILITIES,
    ),
    versionmodes=("createdat", "manual"),
)
"""What the reference server offers; its own choice, as ours is ours."""

EDGE = Edge(offer=OFFER)

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[-+]\d{2}:\d{2})")
_PRESENCE = {"source", "shortself", "title"}
_NOT_COMPARED = {"xregistry-shortself", "xregistry-xregcorrelationid"}


class AnyFormat:
    """Every document is of its format, and compatible; the vectors do not go into that."""

    def known(self, format: str) -> bool:
        return True

    def fault(self, format: str, document: bytes) -> str | None:
        return None

    def compatibilities(self, format: str) -> frozenset[str]:
        return frozenset(COMPATIBILITIES)

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        return None


RULES = Rules(AnyFormat(), offer=OFFER)


@dataclass(frozen=True)
class Recorded:
    """One recorded test."""

    name: str
    registryid: str
    exchanges: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Replayed:
    """What one exchange gave; `difference` is None where it is equal."""

    index: int
    exchange: Mapping[str, Any]
    difference: str | None


def recorded() -> list[Recorded]:
    """All tests of the vectors; none where there are none."""
    if not EXCHANGES.exists():
        return []
    with gzip.open(EXCHANGES, "rt", encoding="utf-8") as lines:
        return [Recorded(**json.loads(line)) for line in lines]


def replay(test: Recorded) -> Iterator[Replayed]:
    """The test's exchanges on an empty registry, one after the other."""
    tree = empty_tree(test.registryid, _time(0))
    tree = replace(tree, capabilities=initial(OFFER))
    for index, exchange in enumerate(test.exchanges):
        try:
            tree, response = send(tree, exchange, _time(index + 1))
            found = difference(exchange["expect"], response)
        except Exception as error:  # noqa: BLE001  # a crash is a difference like another
            found = f"{type(error).__name__}: {error} ({_where(error)})"
        yield Replayed(index, exchange, found)


def send(tree: Tree, exchange: Mapping[str, Any], now: str) -> tuple[Tree, Response]:
    """The tree after one exchange, and its response."""
    path, _, query = exchange["path"].replace(" ", "%20").partition("?")
    asked = Asked(
        method=exchange["method"],
        path=path.encode(),
        query=query.encode(),
        headers=[(name.lower().encode(), value.encode()) for name, value in exchange["headers"]],
        body=(exchange["body"] or "").encode(),
        base=BASE,
    )
    if asked.method in READS:
        return tree, answer_read(tree, asked, EDGE)
    written, response = answer_write(tree, asked, EDGE, now=now, rules=RULES)
    return (tree if written is None else written.tree), response


def difference(expect: Mapping[str, Any], response: Response) -> str | None:
    """How a response differs from the recorded one; None if it does not."""
    if response.status != expect["status"]:
        return f"status {response.status}, expected {expect['status']}: {response.body[:600]!r}"
    wanted = expect["body"].encode() if "body" in expect else base64.b64decode(expect["body64"])
    got_body, wanted_body = _comparable(response.body), _comparable(wanted)
    if got_body != wanted_body:
        return f"body\n{_unequal(got_body, wanted_body)}"
    headers = {
        name.decode(): _TIMESTAMP.sub("T", value.decode("latin-1"))
        for name, value in response.headers
        if (name.startswith(b"xregistry-") or name == b"location")
        and name.decode() not in _NOT_COMPARED
    }
    wanted_headers = {name: _TIMESTAMP.sub("T", one) for name, one in expect["headers"].items()}
    if headers != wanted_headers:
        return (
            f"headers: got {sorted(headers.items() - wanted_headers.items())}"
            f" expected {sorted(wanted_headers.items() - headers.items())}"
        )
    return None


def divergences() -> dict[str, dict[int, str]]:
    """The reviewed divergences: reasons by test and index of the exchange."""
    if not DIVERGENCES.exists():
        return {}
    found = json.loads(DIVERGENCES.read_text(encoding="utf-8"))
    return {
        test: {int(index): reason for index, reason in by_index.items()}
        for test, by_index in found.items()
    }


def _time(index: int) -> str:
    return (START + timedelta(seconds=index)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    last = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        last = f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return last


def _canonical(value: Any, seen: dict[str, str]) -> Any:
    match value:
        case dict():
            return {
                key: "*" if key in _PRESENCE else _canonical(value[key], seen)
                for key in sorted(value)
            }
        case list():
            return [_canonical(one, seen) for one in value]
        case str():
            return _TIMESTAMP.sub(lambda found: seen.setdefault(found[0], f"T{len(seen)}"), value)
        case _:
            return value


def _comparable(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return _canonical(value, {})


def _unequal(got: Any, wanted: Any, at: str = "") -> str:
    """Where two values differ, a line for each place."""
    if isinstance(got, dict) and isinstance(wanted, dict):
        lines = []
        for key in sorted({*got, *wanted}):
            if key not in wanted:
                lines.append(f"    {at}/{key}: got {_short(got[key])}, expected nothing")
            elif key not in got:
                lines.append(f"    {at}/{key}: missing, expected {_short(wanted[key])}")
            elif got[key] != wanted[key]:
                lines.append(_unequal(got[key], wanted[key], f"{at}/{key}"))
        return "\n".join(lines)
    return f"    {at or '/'}: got {_short(got)}, expected {_short(wanted)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 600 else f"{text[:600]}…"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Replay on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", help="names of tests, or beginnings of them")
    parser.add_argument("-v", action="store_true", help="show each difference")
    options = parser.parse_args()
    known = divergences()
    count: Counter[str] = Counter()
    for test in recorded():
        if options.only and not test.name.startswith(tuple(options.only)):
            continue
        equal = True
        for one in replay(test):
            reviewed = known.get(test.name, {}).get(one.index)
            count["exchanges"] += 1
            if one.difference is None:
                count["equal"] += 1
                if reviewed:
                    equal = False
                    _say(f"{test.name}[{one.index}]: is listed as a divergence, but is equal")
            elif reviewed:
                count["diverging"] += 1
            else:
                equal = False
                if options.v:
                    method, path = one.exchange["method"], one.exchange["path"][:120]
                    _say(f"{test.name}[{one.index}] {method} {path}: {one.difference}")
        count["tests"] += 1
        count["tests equal"] += equal
    _say(
        f"replay: {count['tests equal']} of {count['tests']} tests, {count['equal']} of"
        f" {count['exchanges']} exchanges equal ({count['diverging']} reviewed divergences)"
    )
    return int(count["equal"] + count["diverging"] != count["exchanges"])


if __name__ == "__main__":
    sys.exit(main())

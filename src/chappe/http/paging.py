"""Query strings, and pages of events: parameters to a query, and the link to the next page."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlencode

from chappe.domain.errors import Malformed
from chappe.domain.position import Position
from chappe.formats.times import unix_ms
from chappe.kit.near import suggested
from chappe.ports.event_index import Query

LIST_PARAMETERS = (
    "type", "source", "subject", "id", "from", "until", "position", "order", "limit", "wait", "redact",
)  # fmt: skip
MAX_LIMIT = 1000
MAX_WAIT_S = 30.0
MAX_LAST = 10_000
MAX_BLOCK = 2**63 - 1
"""No log gets there, and no index can compare with more."""

_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_SECONDS = re.compile(r"\d{1,4}(?:\.\d{1,6})?", re.ASCII)


def parse_query(raw: bytes, allowed: Collection[str]) -> dict[str, str]:
    """The parameters by name, percent-decoded; "+" is a space, as forms have it.

    Raises:
        Malformed: one is unknown, stands twice, or is no UTF-8.
    """
    found: dict[str, str] = {}
    for part in raw.split(b"&"):
        if not part:
            continue
        before, _, after = part.partition(b"=")
        name = unquote(before.replace(b"+", b" "), "query")
        if name not in allowed:
            raise Malformed(f"parameter {name!r}: is unknown here{_hint(name, allowed)}")
        if name in found:
            raise Malformed(f"parameter {name}: stands twice; it may stand once")
        found[name] = unquote(after.replace(b"+", b" "), f"parameter {name}")
    return found


def unquote(raw: bytes, where: str) -> str:
    """Percent-decoded text.

    Raises:
        Malformed: it is no UTF-8.
    """
    try:
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{where}: {quote_from_bytes(raw, safe='%')!r} is no UTF-8") from None


def list_query(channel: str, given: Mapping[str, str]) -> tuple[Query, float]:
    """Which events are asked for, and how many seconds an empty page may wait.

    Raises:
        Malformed: a value breaks its rule.
    """
    ascending = _one_of("order", given.get("order", "desc"), ("desc", "asc")) == "asc"
    wait_s = _seconds(given["wait"]) if "wait" in given else 0.0
    if wait_s and not ascending:
        raise Malformed("parameter wait: only works with order=asc")
    start = Position.parse(given["position"]) if "position" in given else None
    query = Query(
        channel=channel,
        type=given.get("type"),
        source=given.get("source"),
        subject=given.get("subject"),
        id=given.get("id"),
        from_ms=time_ms("from", given["from"]) if "from" in given else None,
        until_ms=time_ms("until", given["until"]) if "until" in given else None,
        after=(min(start.block, MAX_BLOCK), start.index) if start else None,
        newest_first=not ascending,
        limit=limit_of(given["limit"]) if "limit" in given else 100,
    )
    return query, wait_s


def newest(given: Mapping[str, str], *, least: int = 0, default: int = 1000) -> int:
    """How many of the newest events are looked at: the parameter `last`.

    Raises:
        Malformed: it is no number, or out of its range.
    """
    text = given.get("last", str(default))
    if not _COUNT.fullmatch(text) or not least <= int(text) <= MAX_LAST:
        raise Malformed(f"parameter last: {text[:20]!r} is not a number from {least} to {MAX_LAST}")
    return int(text)


def next_link(path: str, given: Mapping[str, str], after: Position | None) -> bytes:
    """The Link header's value for the page that starts after a position (RFC 8288)."""
    parameters = {name: value for name, value in given.items() if name != "position"}
    if after is not None:
        parameters["position"] = str(after)
    return f'<{path}?{urlencode(parameters)}>; rel="next"'.encode("ascii")


def limit_of(text: str) -> int:
    """The most items of a page.

    Raises:
        Malformed: it is no number, or out of its range.
    """
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise Malformed(f"parameter limit: {text!r} is not a number from 1 to {MAX_LIMIT}")
    return int(text)


def _seconds(text: str) -> float:
    if not _SECONDS.fullmatch(text) or float(text) > MAX_WAIT_S:
        raise Malformed(f"parameter wait: {text!r} is not a number of seconds from 0 to 30")
    return float(text)


def time_ms(name: str, text: str) -> int:
    """The time that a parameter names, as Unix ms.

    Raises:
        Malformed: it is no RFC 3339 time.
    """
    # A "+" that was not escaped arrives as a space, and no other space can stand there.
    text = text.replace(" ", "+")
    at_ms = unix_ms(text)
    if at_ms is not None:
        return at_ms
    raise Malformed(f"parameter {name}: {text!r} is no RFC 3339 time, such as 2026-11-22T10:02:11Z")


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise Malformed(f"parameter {name}: {text!r} is unknown; known: {', '.join(known)}")
    return text


def _hint(name: str, allowed: Collection[str]) -> str:
    if not allowed:
        return "; this route takes none"
    return suggested(name, allowed, most=1) or f"; known: {', '.join(allowed)}"

"""The pages of a list, whichever of the hub's APIs it is of, joined into what one page would have been.

    /events, /subscriptions, /deadletters    [..]             Link: <..>; rel="next"
    /schemagroups and the registry's others  {"id": {..}}     Link: <..>;rel=next
    /find                                    {"types": [..], "after": ".."}
    /confluent/subjects and its others       [..]             offset and limit, and no word of a next

The bytes of the items stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from chappe.client.paths import next_page
from chappe.client.transport import Answer
from chappe.domain.errors import Malformed

EMPTY: Final = (b"[]", b"{}")
_CLOSES: Final = {b"[": b"]", b"{": b"}"}
_CATALOGUE: Final = "/find"
_OF_CATALOGUE: Final = "types"
_CONFLUENT: Final = "/confluent/"


def following(path: str, answer: Answer) -> str | None:
    """Where the page behind an answer is; None where that was the last one."""
    body = answer.body.strip()
    # Events have a next page for ever: an empty one is the end of what there is now.
    if body in EMPTY:
        return None
    linked = next_page(answer.headers.get("link"))
    if linked is not None:
        return None if linked == path else linked
    if _route(path) == _CATALOGUE:
        after = _decoded(answer).get("after")
        return None if after is None else _with(path, "after", str(after))
    if path.startswith(_CONFLUENT) and body.startswith(b"["):
        offset = dict(parse_qsl(urlsplit(path).query)).get("offset", "0")
        came = int(offset) if offset.isdecimal() else 0
        return _with(path, "offset", str(came + len(json.loads(body))))
    return None


class Joined:
    """Takes pages as they come and writes them as one JSON document; `end` must come in any case."""

    def __init__(self, path: str, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._catalogue = _route(path) == _CATALOGUE
        self._whole: dict[str, Any] = {}
        self._opened = b""
        self._filled = False

    def add(self, answer: Answer) -> None:
        """Write a page.

        Raises:
            Malformed: it is no JSON array and no object, or not the same of both as the ones before.
        """
        if self._catalogue:
            page = _decoded(answer)
            page[_OF_CATALOGUE] = self._whole.get(_OF_CATALOGUE, []) + page[_OF_CATALOGUE]
            self._whole = page
            return
        body = answer.body.strip()
        opens = body[:1]
        if body[-1:] != _CLOSES.get(opens) or self._opened not in (b"", opens):
            kind = answer.headers.get("content-type", "of no type")
            raise Malformed(f"--paginate joins JSON arrays or objects, and a page is {kind}")
        items = body[1:-1].strip()
        start = b"" if self._opened else opens
        self._write(start + (b"," if items and self._filled else b"") + items)
        self._opened = opens
        self._filled = self._filled or bool(items)

    def end(self) -> None:
        """Close the document: what came can be read, whatever came in between."""
        if self._whole:
            self._write(json.dumps(self._whole, ensure_ascii=False).encode() + b"\n")
        elif self._opened:
            self._write(_CLOSES[self._opened] + b"\n")


def _route(path: str) -> str:
    return urlsplit(path).path


def _decoded(answer: Answer) -> dict[str, Any]:
    found = json.loads(answer.body)
    if not isinstance(found, dict):
        raise Malformed(f"{_CATALOGUE}: answered no object; is this hub another version?")
    return found


def _with(path: str, name: str, value: str) -> str:
    """The path with this parameter, instead of what it had of that name."""
    kept = [
        one for one in parse_qsl(urlsplit(path).query, keep_blank_values=True) if one[0] != name
    ]
    return f"{_route(path)}?{urlencode([*kept, (name, value)])}"

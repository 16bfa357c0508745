"""What a node asks the owner of a shard about a pulled subscription, and the answers, in JSON.

{"ask": "take", "subscription": "s-1", "events": 10, "bytes": 4000000}   ->  [[block, index, number, until_ms], …]
{"ask": "ready", "subscription": "s-1", "wait_s": 5}                      ->  true
{"ask": "settle", "subscription": "s-1", "verb": "release", "locks": [[block, index, number], …],
 "delay_s": 10, "reason": ""}                                             ->  ["ok", "lock_lost", …]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from chappe.domain.pull import Verb, Verdict


class Take(msgspec.Struct, frozen=True, tag_field="ask", tag="take"):
    """Lock events and give them: at most so many, of at most so many bytes (but one at least)."""

    subscription: str
    events: int
    bytes: int


class Ready(msgspec.Struct, frozen=True, tag_field="ask", tag="ready"):
    """Wait until there is an event to take, but not longer than that; is there one?"""

    subscription: str
    wait_s: float


class Settle(msgspec.Struct, frozen=True, tag_field="ask", tag="settle"):
    """Do the same with each of these locks: (block, index, number)."""

    subscription: str
    verb: Verb
    locks: list[tuple[int, int, int]]
    delay_s: float = 0.0
    reason: str = ""


Question: TypeAlias = Take | Ready | Settle


class Given(msgspec.Struct, frozen=True, array_like=True):
    """An event that is locked for the asker, for the `number`-th time, until `until_ms` (Unix)."""

    block: int
    index: int
    number: int
    until_ms: int


decode_question = msgspec.json.Decoder(Question).decode
decode_given = msgspec.json.Decoder(list[Given]).decode
decode_ready = msgspec.json.Decoder(bool).decode
decode_verdicts = msgspec.json.Decoder(list[Verdict]).decode
_encode = msgspec.json.Encoder().encode


def encode_call(said: Question | Sequence[Given] | bool | Sequence[Verdict]) -> bytes:
    """A question or an answer."""
    return _encode(said)

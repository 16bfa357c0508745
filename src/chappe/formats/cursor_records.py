"""Cursors as JSON: the shard's checkpoint and the lanes' records.

checkpoint  {"at": [block, index], "registry": revision, "node": "n-1"}
lane        {"cursor": [block, index], "own": false,
             "open": [[block, index, attempts, due_ms, first_ms, key], …], "failing": ms, "dead": ms,
             "at": ms}

`at` is when the record was made, by the clock that its times are of; one that lies ahead tells that the
clock was set back since, and what was due moves back with it. `failing` and `dead` are left out where the sink is well, and `key` by releases that knew no order.
"""

from __future__ import annotations

import msgspec

from chappe.domain.lane import LaneRecord, Open, Place


class Checkpoint(msgspec.Struct, frozen=True):
    """Every lane without a record of its own has settled all up to and with `at`.

    Subscriptions made after the registry's revision `registry` are not in it yet.
    """

    at: tuple[int, int]
    registry: int
    node: str = ""


class _Open(msgspec.Struct, frozen=True, gc=False, array_like=True):
    block: int
    index: int
    attempts: int
    due_ms: int | None
    first_ms: int | None
    key: int | None = None


class _Lane(msgspec.Struct, frozen=True, omit_defaults=True):
    cursor: tuple[int, int]
    own: bool
    open: list[_Open]
    failing: int | None = None
    dead: int | None = None
    at: int | None = None


_decode_checkpoint = msgspec.json.Decoder(Checkpoint).decode
_decode_lane = msgspec.json.Decoder(_Lane).decode
_encode = msgspec.json.Encoder().encode


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The checkpoint's record."""
    return _encode(checkpoint)


def decode_checkpoint(record: bytes) -> Checkpoint:
    """The checkpoint of a record that `encode_checkpoint` made."""
    return _decode_checkpoint(record)


def encode_lane(record: LaneRecord, *, at_ms: int | None = None) -> bytes:
    """The lane's record, made at `at_ms` (Unix)."""
    return _encode(
        _Lane(
            record.cursor,
            record.own,
            [
                _Open(*place, event.attempts, event.due_ms, event.first_ms, event.key)
                for place, event in record.open.items()
            ],
            record.failing_ms,
            record.dead_ms,
            at_ms if record.open else None,
        )
    )


def decode_lane(record: bytes, *, now_ms: int | None = None) -> LaneRecord:
    """The lane of a record that `encode_lane` made; with `now_ms` its times are set right by that clock."""
    lane = _decode_lane(record)
    ahead_ms = 0 if now_ms is None or lane.at is None else max(0, lane.at - now_ms)
    return LaneRecord(
        Place(*lane.cursor),
        lane.own,
        {
            Place(one.block, one.index): Open(
                one.attempts,
                None if one.due_ms is None else one.due_ms - ahead_ms,
                one.first_ms if one.first_ms is None or not ahead_ms else one.first_ms - ahead_ms,
                one.key,
            )
            for one in lane.open
        },
        lane.failing,
        lane.dead,
    )

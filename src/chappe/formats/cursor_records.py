"""Cursors as JSON: the shard's checkpoint and the lanes' records.

checkpoint  {"at": [block, index], "registry": revision, "node": "n-1"}
lane        {"cursor": [block, index], "own": false, "open": [[block, index, attempts, due_ms, first_ms], …]}
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


class _Lane(msgspec.Struct, frozen=True):
    cursor: tuple[int, int]
    own: bool
    open: list[tuple[int, int, int, int | None, int | None]]


_decode_checkpoint = msgspec.json.Decoder(Checkpoint).decode
_decode_lane = msgspec.json.Decoder(_Lane).decode
_encode = msgspec.json.Encoder().encode


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The checkpoint's record."""
    return _encode(checkpoint)


def decode_checkpoint(record: bytes) -> Checkpoint:
    """The checkpoint of a record that `encode_checkpoint` made."""
    return _decode_checkpoint(record)


def encode_lane(record: LaneRecord) -> bytes:
    """The lane's record."""
    return _encode(
        _Lane(
            record.cursor,
            record.own,
            [
                (place.block, place.index, event.attempts, event.due_ms, event.first_ms)
                for place, event in record.open.items()
            ],
        )
    )


def decode_lane(record: bytes) -> LaneRecord:
    """The lane of a record that `encode_lane` made."""
    lane = _decode_lane(record)
    return LaneRecord(
        Place(*lane.cursor),
        lane.own,
        {
            Place(block, index): Open(attempts, due_ms, first_ms)
            for block, index, attempts, due_ms, first_ms in lane.open
        },
    )

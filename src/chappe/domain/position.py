"""Where an event stands in its channel: shard, block, index; and which shard a key belongs to."""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from typing_extensions import override

from chappe.domain.errors import Malformed

_TEXT = re.compile(r"(\d{1,4})-(\d{1,19})-(\d{1,9})")


class Position(NamedTuple):
    """`block` is the sequence of the block in its channel, `index` counts from 0 within the block.

    Within a shard, positions are in the order of acceptance; across shards only `block` orders.
    Text form: "shard-block-index", such as "2-1041-7".
    """

    shard: int
    block: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks for

    @override
    def __str__(self) -> str:
        return f"{self.shard}-{self.block}-{self.index}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read the text form.

        Raises:
            Malformed: the text is no position.
        """
        found = _TEXT.fullmatch(text)
        if not found:
            raise Malformed(f"position: {text!r} is not shard-block-index, such as 2-1041-7")
        return cls(*(int(part) for part in found.groups()))


def is_position(text: str) -> bool:
    """Whether `text` has the form of a position."""
    return _TEXT.fullmatch(text) is not None


def shard_of(key: str, shards: int) -> int:
    """The shard of a key: stable over restarts, nodes and releases (CRC-32 of UTF-8)."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % shards

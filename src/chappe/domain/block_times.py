"""When the blocks of a shard were committed, to about a second, for as long as anybody can ask cheaply.

Every block's time would be as long as the log. One a second is kept, and of old ones every second is
dropped when they are many: what is older is told less exactly, never wrong by more than its age's share.
"""

from __future__ import annotations

from bisect import bisect_right

STEP_MS = 1_000
MOST = 8_192


class BlockTimes:
    """Some blocks' times; sequences and times grow."""

    __slots__ = ("_at_ms", "_last_ms", "_seqs")

    def __init__(self) -> None:
        self._seqs: list[int] = []
        self._at_ms: list[int] = []
        self._last_ms = -STEP_MS

    def note(self, seq: int, at_ms: int) -> None:
        """A block that was read."""
        if at_ms - self._last_ms < STEP_MS:
            return
        self._last_ms = at_ms
        self._seqs.append(seq)
        self._at_ms.append(at_ms)
        if len(self._seqs) > MOST:
            half = MOST // 2
            self._seqs[:half] = self._seqs[:half:2]
            self._at_ms[:half] = self._at_ms[:half:2]

    def at_ms(self, seq: int) -> int | None:
        """About when the block of that sequence was committed (Unix ms); None: before what was noted."""
        place = bisect_right(self._seqs, seq)
        return self._at_ms[place - 1] if place else None

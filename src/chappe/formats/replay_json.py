"""What the registry keeps of a companion subscription beside its fields, as JSON; and its span.

{"kind": "replay", "of": "s-1", "for": "s-1", "end": [1041, 2147483647], "events": 12}
{"kind": "redrive", "of": "s-1", "for": "s-1", "end": [7, 0], "only": ["0-3-0", "0-7-0"], "events": 2}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from chappe.domain.lane import Place
from chappe.domain.position import Position, is_position
from chappe.domain.replay import Replay, ReplayKind
from chappe.domain.span import Span
from chappe.domain.subscription import Subscription
from chappe.formats.times import unix_ms


class KeptReplay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`events`: how many there were to deliver when it was made, as far as that was counted."""

    kind: ReplayKind
    of: str
    for_: str = msgspec.field(name="for")
    end: tuple[int, int]
    only: tuple[str, ...] | None = None
    events: int | None = None

    def replay(self, id: str) -> Replay:
        """What the companion of this id is for; without `for`, it delivers in its own name."""
        return Replay(self.kind, self.of, self.for_ or id, self.events)


Makes: TypeAlias = Callable[[str, Mapping[str, Any], KeptReplay, str], Awaitable[Subscription]]
"""Makes a companion: the beginning of its id, its fields, what it is for, and who asks."""


def encode_replay(kept: KeptReplay) -> str:
    """As the registry stores it."""
    return msgspec.json.encode(kept).decode()


def decode_replay(text: str) -> KeptReplay:
    """What `encode_replay` made."""
    return msgspec.json.decode(text, type=KeptReplay)


def span_of(start: str, kept: KeptReplay | None) -> Span | None:
    """The part of the channel that a subscription is about; None where its first block says all."""
    first: Place | None = None
    if is_position(start) and (position := Position.parse(start)).index > 0:
        first = Place(position.block, position.index)
    from_ms = unix_ms(start)
    if kept is not None:
        only = None if kept.only is None else frozenset(map(Position.parse, kept.only))
        return Span(first, from_ms, Place(*kept.end), only)
    return None if first is None and from_ms is None else Span(first, from_ms)

"""Samples in, a draft out: the state of an inference, of bounded size, that can be merged."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Final

import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.schema_inference.draft import DIALECT, schema_of
from chappe.formats.schema_inference.places import Place

MAX_DEPTH: Final = 32
"""What lies deeper may be anything."""

MAX_PLACES: Final = 100_000
"""Places that are told apart; where there are more, the deepest may be anything. Some 20 MB."""

MAX_DRAFT_BYTES: Final = 512 * 1024
"""Of a draft as JSON; the registry takes 1 MiB. A larger one leaves its deepest places out."""

_CHECK_EVERY: Final = 10_000

_decode = msgspec.json.Decoder().decode
# 1e400 is a JSON number, and no float. Decimal costs time, so it has its turn only when it must.
_decode_exactly = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder().encode


class Inference:
    """What samples of one kind have in common.

    one, other = Inference(), Inference()
    one.add(b'{"total": 1}')
    other.add(b'{"total": 2.5}')
    one.merge(other)                  # as if one had seen both
    one.draft()                       # {"$schema": …, "type": "object", "properties": …}
    """

    def __init__(self) -> None:
        self._root = Place()
        self._depth = MAX_DEPTH
        self._fresh = 0

    @property
    def samples(self) -> int:
        """How many samples were seen."""
        return self._root.seen

    def add(self, sample: bytes) -> None:
        """See one more sample, a JSON text.

        Raises:
            Malformed: it is none, or nested too deeply to be read; nothing of it was seen.
        """
        value = _decoded(sample)
        self._fresh += self._root.add(value, self._depth)
        if self._fresh >= _CHECK_EVERY:
            self._settle()

    def merge(self, other: Inference) -> None:
        """See all that the other saw; the other stays as it is."""
        self._root.merge(other._root)
        self._depth = min(self._depth, other._depth)
        self._root.cut(self._depth)
        self._settle()

    def draft(self) -> dict[str, object]:
        """A schema that all samples are valid by; of the same samples, in any order, the same."""
        self._settle()
        for depth in range(self._depth, 0, -1):
            made = {"$schema": DIALECT, **schema_of(self._root, depth)}
            if len(_encode(made)) <= MAX_DRAFT_BYTES:
                return made
        return {"$schema": DIALECT, **schema_of(self._root, 0)}

    def _settle(self) -> None:
        """Keep as many levels of places as there is room for."""
        self._fresh = 0
        levels: list[int] = []
        self._root.weigh(levels, 0, 1)
        kept = sum(1 for total in itertools.accumulate(levels) if total <= MAX_PLACES)
        if kept < len(levels):
            self._depth = kept - 1
            self._root.cut(self._depth)


def _decoded(sample: bytes) -> object:
    try:
        return _decode(sample)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _decode_exactly(sample)
    except RecursionError:
        raise Malformed("sample: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError) as exc:
        raise Malformed(f"sample: not JSON: {exc}") from None

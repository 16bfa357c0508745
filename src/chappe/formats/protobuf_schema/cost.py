"""What a payload would take in memory, told before it is parsed.

A parsed message takes room for all of its fields, set or not: some 16 bytes each. An empty message
takes 2 bytes in a payload. So 1 MB of empty messages with 3,000 fields would take 24 GB.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.descriptor import Descriptor

from chappe.formats.protobuf_schema.classes import fields_of, reachable

# What any payload may take; a larger one may take so many times its own size.
MAX_PARSED_BYTES: Final = 64 << 20
MAX_TIMES: Final = 64
# Counting takes some 0.7 µs a field of a payload, and is for suspicious ones only.
MAX_COUNTED: Final = 200_000

_FIELD_BYTES: Final = 16
_VALUE: Final = 2  # the number of the value's field in a map's entry
_MESSAGE_BYTES: Final = 32
# With 2 bytes in the payload for each, messages of this size stay below the limit in any number.
_THIN_BYTES: Final = 2 * MAX_TIMES


class Cost:
    """The sizes of a message and of all that it can hold."""

    __slots__ = ("_largest", "_root", "harmless_bytes")

    def __init__(self, message: Descriptor) -> None:
        messages = reachable(message)
        plans = {
            name: _Plan(_MESSAGE_BYTES + _FIELD_BYTES * len(each.fields))
            for name, each in messages.items()
        }
        for name, each in messages.items():
            if each.GetOptions().map_entry:
                # An entry without a value makes an empty one: 2 bytes, and a whole message.
                value = each.fields_by_number[_VALUE].message_type
                plans[name].size += 0 if value is None else plans[value.full_name].size
        above: dict[str, list[str]] = {name: [] for name in plans}
        for name, each in messages.items():
            for field in fields_of(each):
                if field.message_type is not None:
                    below = field.message_type.full_name
                    plans[name].below[field.number] = plans[below]
                    above[below].append(name)
        waiting = [name for name, plan in plans.items() if plan.size > _THIN_BYTES]
        while waiting:
            name = waiting.pop()
            if plans[name].thin:
                plans[name].thin = False
                waiting.extend(above[name])
        self._root = plans[message.full_name]
        self._largest = max(plan.size for plan in plans.values())
        # No payload so small takes too much, whatever is in it.
        self.harmless_bytes: int = 2 * (MAX_PARSED_BYTES // self._largest - 1)

    def too_much_json(self, data: bytes) -> bool:
        """Whether a payload in JSON could take too much for its messages."""
        return data.count(b"{") * self._largest > _limit(data)

    def too_much(self, data: bytes) -> bool:
        """Whether a binary payload takes too much for its messages, or too long to count them.

        A payload that is none is never too much: parsing it fails at the same place.
        """
        if (len(data) // 2 + 1) * self._largest <= _limit(data):
            return False
        try:
            return _too_much(data, self._root, _limit(data))
        except IndexError:
            return False


def _limit(data: bytes) -> int:
    return max(MAX_PARSED_BYTES, MAX_TIMES * len(data))


class _Plan:
    """One message: its size, and those of its fields that are messages, by number.

    `thin`: neither it nor what it can hold is large enough to count.
    """

    __slots__ = ("below", "size", "thin")

    def __init__(self, size: int) -> None:
        self.size = size
        self.below: dict[int, _Plan] = {}
        self.thin = True


def _too_much(data: bytes, root: _Plan, limit: int) -> bool:
    """Add up the sizes of the messages in a payload.

    Raises:
        IndexError: the payload ends too early, or has what no payload has.
    """
    total = root.size
    at, end = 0, len(data)
    plan = root
    # What the messages around are, and where they end; a group ends with a tag instead.
    around: list[tuple[_Plan, int]] = []
    for _ in range(MAX_COUNTED):
        while at >= end and around:
            plan, end = around.pop()
        if at >= end or total > limit:
            return total > limit
        tag, at = _varint(data, at)
        match tag & 7:  # the wire type
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(data, at)
                below = plan.below.get(tag >> 3)
                if below is None or below.thin:
                    at += length
                else:
                    around.append((plan, end))
                    plan, end = below, min(at + length, len(data))
                    total += plan.size
            case 3:
                around.append((plan, end))
                plan = plan.below.get(tag >> 3, _UNKNOWN)
                total += plan.size
            case 4:
                plan, end = around.pop()
            case 5:
                at += 4
            case _:
                raise IndexError
    return True


_UNKNOWN: Final = _Plan(0)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 128:
        return byte, at + 1
    value, shift = byte & 127, 7
    while shift < 70:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
        shift += 7
    raise IndexError

"""Topics made from attributes: a template once, a topic for each event; pure.

    Topic.parse("orders/{type}").of(event)    type = "com.example.order.created"
        -> "orders/com.example.order.created"
    Topic.parse("by/{source}").of(event)      source = "/shop/eu+us"
        -> "by/%2Fshop%2Feu%2Bus"

A value fills one level: what would end it, or be a wildcard, is percent-encoded. Whoever sends an event
chooses its attributes, and must not choose whom it reaches beyond what the template leaves open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chappe.domain.attributes import check_name
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import Event

MOST_BYTES: Final = 65_535
"""Of a topic (mqtt-v5.0 1.5.4)."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r"[%/+#\x00]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Topic:
    """`pieces`: fixed texts and, at odd places, names of attributes."""

    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, template: str) -> Topic:
        """Read a template.

        Raises:
            Malformed: a brace stands alone, a name is none, or a wildcard is in it.
        """
        pieces = tuple(_PLACE.split(template))
        for text in pieces[::2]:
            for sign in "{}":
                if sign in text:
                    raise Malformed(f"{template!r}: a {sign!r} stands alone; {{name}} is a place")
            for sign in "+#":
                if sign in text:
                    raise Malformed(f"{template!r}: nothing is published to a wildcard ({sign!r})")
            if _CONTROL.search(text):
                raise Malformed(f"{template!r}: a control character has no place in a topic")
        for name in pieces[1::2]:
            try:
                check_name(name)
            except InvalidEvent:
                raise Malformed(f"{template!r}: {name!r} is no attribute's name") from None
        if pieces == ("",):
            raise Malformed("a topic has at least one character")
        if len(template.encode()) > MOST_BYTES:
            raise Malformed(f"a topic has at most {MOST_BYTES} bytes")
        return cls(pieces)

    def of(self, event: Event) -> str:
        """The topic of this event.

        Raises:
            Malformed: the event lacks an attribute that the template names, or the topic is too long.
        """
        if len(self.pieces) == 1:
            return self.pieces[0]
        filled = list(self.pieces)
        for index in range(1, len(filled), 2):
            value = event.get(filled[index])
            if value is None:
                raise Malformed(f"topicname: the event has no attribute {filled[index]!r}")
            filled[index] = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", value)
        topic = "".join(filled)
        if topic.startswith("$") and not self.pieces[0].startswith("$"):
            # mqtt-v5.0 4.7.2: such topics are the broker's own.
            topic = f"%24{topic[1:]}"
        if len(topic.encode()) > MOST_BYTES:
            raise Malformed(f"topicname: the event's topic is longer than {MOST_BYTES} bytes")
        return topic

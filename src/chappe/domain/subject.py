"""NATS subjects made from attributes: a template once, a subject for each event; pure.

    Subject.parse("orders.{type}").of(event)       type = "com.example.paid"
        -> "orders.com.example.paid"
    Subject.parse("eu.{subject}.new").of(event)    subject = "a.b *"
        -> "eu.a%2Eb%20%2A.new"

A value fills one token: what would end it, or be a wildcard, is percent-encoded. Where the template
ends with a token of its own, `.{name}`, the value may go on over several tokens, for nothing behind it
can be moved. Whoever sends an event chooses its attributes, and must not choose whom it reaches beyond
what the template leaves open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chappe.domain.attributes import check_name
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import Event

MOST_BYTES: Final = 1_024
"""Of a subject; servers cut the control line at 4 KiB by default."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r"[%.*>\s\x00-\x1f\x7f-\x9f]")
_UNSAFE_IN_TAIL = re.compile(r"[%*>\s\x00-\x1f\x7f-\x9f]|\.(?=\.|\Z)|\A\.")
_FIXED = re.compile(r"[^\s*>\x00-\x1f\x7f-\x9f]*")


@dataclass(frozen=True, slots=True)
class Subject:
    """`pieces`: fixed texts and, at odd places, names of attributes."""

    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, template: str) -> Subject:
        """Read a template.

        Raises:
            Malformed: a brace stands alone, a name is none, a wildcard or a blank is in it, a token is
                empty, or it begins with "$" (such subjects are the server's own).
        """
        pieces = tuple(_PLACE.split(template))
        for text in pieces[::2]:
            if "{" in text or "}" in text:
                raise Malformed(f"{template!r}: a brace stands alone; {{name}} is a place")
            if not _FIXED.fullmatch(text):
                raise Malformed(
                    f"{template!r}: nothing is published to a wildcard, and a subject has no blanks"
                )
        for name in pieces[1::2]:
            try:
                check_name(name)
            except InvalidEvent:
                raise Malformed(f"{template!r}: {name!r} is no attribute's name") from None
        if "" in "x".join(pieces[::2]).split(".") and "" in template.split("."):
            raise Malformed(f"{template!r}: a token is empty")
        if template.startswith("$"):
            raise Malformed(f"{template!r}: subjects that begin with '$' are the server's own")
        if len(template.encode()) > MOST_BYTES:
            raise Malformed(f"a subject has at most {MOST_BYTES} bytes")
        return cls(pieces)

    def of(self, event: Event) -> str:
        """The subject of this event.

        Raises:
            Malformed: the event lacks an attribute that the template names, or the subject is too long.
        """
        if len(self.pieces) == 1:
            return self.pieces[0]
        filled = list(self.pieces)
        last = len(filled) - 2
        for index in range(1, len(filled), 2):
            value = event.get(filled[index])
            if not value:
                raise Malformed(f"subject: the event has no attribute {filled[index]!r}")
            is_tail = index == last and not filled[-1] and filled[index - 1].endswith(".")
            filled[index] = (_UNSAFE_IN_TAIL if is_tail else _UNSAFE).sub(_encoded, value)
        subject = "".join(filled)
        if subject[0] in "$_" and not self.pieces[0]:
            # The server's own, and inboxes: no sender's attribute reaches them.
            subject = f"%{ord(subject[0]):02X}{subject[1:]}"
        if len(subject.encode()) > MOST_BYTES:
            raise Malformed(f"subject: the event's subject is longer than {MOST_BYTES} bytes")
        return subject


def _encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())

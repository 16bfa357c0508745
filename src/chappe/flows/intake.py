"""Message in: what a source read becomes an event of its channel, or is set aside with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from chappe.domain.channel import DEADLETTERS, Channel
from chappe.domain.errors import CallerError, TooLarge, Unavailable
from chappe.domain.event import AttributeValue, Event
from chappe.domain.source import Source
from chappe.formats.times import rfc3339
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.event_source import Intake

SET_ASIDE: Final = "io.chappe.source.setaside"
"""The type of the event that stands for a message which is no event."""
MOST_KEPT: Final = 65_536
"""Bytes of a message that are kept where all of it does not fit into the log."""
MOST_DETAILS: Final = 4_096
MOST_REASON: Final = 512
"""Characters of what is told about a message."""

_LETTERS: Final = Channel(DEADLETTERS, 1)


class SourceIntake:
    """The hub's door for one run of one source.

    `accept` is what HTTP's publishers meet, too: schemas, quarantine, repeats. After an event that
    could not be stored, this intake takes no other: one behind it would overtake it.
    """

    def __init__(
        self,
        source: Source,
        accept: Callable[[str, Event], Awaitable[object]],
        log: EventLog,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        event_bytes: int,
        counted: Callable[[int, int], None] = lambda taken, set_aside: None,
    ) -> None:
        self._source = source
        self._accept = accept
        self._log = log
        self._clock = clock
        self._new_id = new_id
        self._event_bytes = event_bytes
        self._counted = counted
        self._broken: Unavailable | None = None

    async def take(self, event: Event) -> None:
        """Store an event; one that is refused for good is a dead letter."""
        self._check_open()
        try:
            if event.data is not None and len(event.data) > self._event_bytes:
                raise TooLarge(
                    f"data of {len(event.data)} bytes; at most {self._event_bytes} are taken in"
                )
            await self._accept(self._source.options.channel, event)
        except CallerError as refusal:
            await self._bury(event, f"{refusal.code}: {refusal.message}")
        except Unavailable as error:
            self._broken = error
            raise
        else:
            self._counted(1, 0)

    async def set_aside(self, reason: str, payload: bytes, details: Mapping[str, str]) -> None:
        """Keep a message that is no event."""
        self._check_open()
        said = msgspec.json.encode(dict(details)).decode()
        event = Event(
            id=self._new_id(),
            source=f"/sources/{self._source.id}",
            type=SET_ASIDE,
            time=rfc3339(self._clock.now_ms()),
            extensions={"deadletterdetails": _plain(said, MOST_DETAILS)},
            data=payload,
        )
        await self._bury(event, reason)

    async def _bury(self, event: Event, reason: str) -> None:
        letter = self._letter(event, reason)
        try:
            try:
                await self._log.append(_LETTERS, letter)
            except TooLarge:
                kept = (event.data or b"")[:MOST_KEPT]
                size = len(event.data or b"")
                note = f"{reason}; of {size} bytes of data the first {len(kept)} are kept"
                cut = msgspec.structs.replace(event, data=kept, text=False)
                await self._log.append(_LETTERS, self._letter(cut, note))
        except Unavailable as error:
            self._broken = error
            raise
        self._counted(0, 1)

    def _letter(self, event: Event, reason: str) -> Event:
        extensions: dict[str, AttributeValue] = {
            **event.extensions,
            "deadletterreason": _plain(reason, MOST_REASON),
            "deadlettersource": self._source.id,
            "deadlettertime": rfc3339(self._clock.now_ms()),
        }
        return msgspec.structs.replace(event, extensions=extensions)

    def _check_open(self) -> None:
        if self._broken is not None:
            raise Unavailable(f"an event before this one could not be stored: {self._broken}")


def _plain(text: str, most: int) -> str:
    """Text as an attribute can hold it."""
    return "".join(one if one.isprintable() else " " for one in text[:most])


_: type[Intake] = SourceIntake

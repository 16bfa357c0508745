"""Dead letters: events that could not be delivered, each as it was, with what became of it.

id, source, type, data …          the event's own
deadletterreason                  "gave up after 12 attempts; the last: 503 …" with the answer's beginning
deadletterstatus                  the last answer's status, where there was one
deadlettersubscription            whose delivery failed
deadletterchannel, -position      where the event stands, or stood
deadletterattempts, -time         how often it was tried, and when it was given up
deadletterredrives                how often a letter about it was delivered again, and failed again
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from chappe.domain.channel import DEADLETTERS
from chappe.domain.event import AttributeValue, Event
from chappe.domain.ids import webhook_id
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription

REASON: Final = "deadletterreason"
STATUS: Final = "deadletterstatus"
SUBSCRIPTION: Final = "deadlettersubscription"
CHANNEL: Final = "deadletterchannel"
POSITION: Final = "deadletterposition"
ATTEMPTS: Final = "deadletterattempts"
TIME: Final = "deadlettertime"
REDRIVES: Final = "deadletterredrives"
ATTRIBUTES: Final = frozenset(
    {REASON, STATUS, SUBSCRIPTION, CHANNEL, POSITION, ATTEMPTS, TIME, REDRIVES}
)


def dead_letter(
    event: Event,
    subscription: Subscription,
    position: Position,
    *,
    reason: str,
    status: int | None,
    attempts: int,
    time: str,
) -> Event:
    """The letter about an event of the subscription's channel that was given up at `time` (RFC 3339).

    Of a redrive, whose event is a letter itself, the new letter still tells where the event stood.
    """
    extensions: dict[str, AttributeValue] = dict(event.extensions)
    if is_redrive(subscription):
        redrives = event.extensions.get(REDRIVES, 0)
        extensions[REDRIVES] = (redrives if isinstance(redrives, int) else 0) + 1
        extensions.pop(STATUS, None)
    else:
        extensions[CHANNEL] = subscription.channel
        extensions[POSITION] = str(position)
    extensions[SUBSCRIPTION] = subscription.identity
    extensions[REASON] = reason
    extensions[ATTEMPTS] = attempts
    extensions[TIME] = time
    if status is not None:
        extensions[STATUS] = status
    return structs.replace(event, extensions=extensions)


def may_bury(subscription: Subscription) -> bool:
    """Whether what this subscription cannot deliver becomes a dead letter.

    Not what a follower of the dead letters cannot deliver: its letters would be followed, too.
    """
    return subscription.channel != DEADLETTERS or is_redrive(subscription)


def is_redrive(subscription: Subscription) -> bool:
    """Whether the subscription delivers dead letters as the events that they were."""
    return subscription.replay is not None and subscription.replay.kind == "redrive"


def buried_event(letter: Event) -> Event:
    """The event that a letter is about, as it was."""
    kept = {name: value for name, value in letter.extensions.items() if name not in ATTRIBUTES}
    return structs.replace(letter, extensions=kept)


def sent_event(event: Event, subscription: Subscription) -> Event:
    """What the sink gets of a stored event."""
    return buried_event(event) if is_redrive(subscription) else event


def message_id(event: Event, subscription: Subscription, position: Position) -> str:
    """The message's id (Standard Webhooks): the same for every attempt of the same message.

    A replay or redrive is the same message once more, so a receiver that keeps ids can drop what it
    has had. Several letters may be about one event: those that follow them get each under its own id.
    """
    if subscription.channel == DEADLETTERS and not is_redrive(subscription):
        return webhook_id(event, f"{subscription.id}\n{position}")
    return webhook_id(event, subscription.identity)

"""Delivering again: what a companion of a subscription is for, and what its messages are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

ReplayKind: TypeAlias = Literal["replay", "redrive"]

REPLAYS: Final = "replay-"
REDRIVES: Final = "redrive-"
"""How the ids of companions begin."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A companion delivers, for the subscription `of`, a part of the log again, and then ends.

    kind `replay`: stored events; `redrive`: dead letters, as the events that they were. `for_id` is
    the subscription in whose name that is done, which gives the messages their ids and becomes the
    `deadlettersubscription` of what fails: `of` itself, unless the events go to another sink.
    `events` is how many there were to deliver when it was made, where that was counted.
    """

    kind: ReplayKind
    of: str
    for_id: str
    events: int | None = None

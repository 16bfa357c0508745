"""Whether delivery for a subscription rests, and why.

A lane that is held starts no attempt and reads no further; what is under way ends. It goes on from
where it stood, so nothing is lost, and nothing is delivered twice for having been held.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from chappe.domain.subscription import Subscription

Hold: TypeAlias = Literal["paused", "disabled", "awaiting grant"]


def held(subscription: Subscription) -> Hold | None:
    """Why delivery rests; None where it does not.

    `disabled` is what the hub itself sets for a sink that only fails; a grant is awaited of a sink that
    must agree first.
    """
    if subscription.options.paused:
        return "paused"
    if subscription.disabled is not None:
        return "disabled"
    return None if subscription.is_granted else "awaiting grant"

"""What was done -> an event of the channel `audit`.

type     io.chappe.audit.write.v1
subject  /subscriptions/s-5k2v9q/pause
data     {"who": {"name": "ann", "how": "session"},
          "what": {"method": "POST", "path": "/subscriptions/s-5k2v9q/pause", "outcome": "done", "status": 200},
          "from": {"address": "10.0.0.7"}, "correlation": "5d1f…"}
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chappe.domain.audit import Audited
from chappe.domain.event import AttributeValue, Event

_encode = msgspec.json.Encoder().encode


def type_of(action: str) -> str:
    """The type of the events of an action."""
    return f"io.chappe.audit.{action}.v1"


def encode_audited(one: Audited, *, id: str, node: str, time: str, left_out: int = 0) -> Event:
    """The event; `left_out` tells how many were not told since the last one, as they were too many."""
    data: dict[str, object] = {
        "who": _without_none({"name": one.name, "how": one.how}),
        "what": _without_none(
            {
                "method": one.method or None,
                "path": one.path or None,
                "outcome": one.outcome,
                "status": one.status or None,
                "code": one.code,
                "right": one.right,
                "group": one.group,
                "added": one.added or None,
                "removed": one.removed or None,
            }
        ),
        "from": _without_none({"address": one.address or None, "forwarded_for": one.forwarded_for}),
    }
    extensions: dict[str, AttributeValue] = {}
    if one.correlation:
        data["correlation"] = one.correlation
        extensions["correlationid"] = one.correlation
    if left_out:
        data["left_out"] = left_out
    return Event(
        id=id,
        source=f"/nodes/{node}",
        type=type_of(one.action),
        subject=one.path or None,
        time=time,
        datacontenttype="application/json",
        extensions=extensions,
        data=_encode(data),
        text=True,
    )


def _without_none(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}

"""What spans say: OpenTelemetry's semantic conventions for messaging and for CloudEvents.

The messaging conventions are no stable ones yet; `chappe.*` is what they have no word for.
"""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import urlsplit

from chappe.domain.delivery import Delivered, Failed, Gone, Outcome, Refused
from chappe.domain.event import SPECVERSION, Event
from chappe.domain.subscription import Subscription

SYSTEM = "chappe"

Attributes: TypeAlias = dict[str, str | int | bool | tuple[str, ...]]


def of_operation(name: str, type_: str, channel: str) -> Attributes:
    """What every span says."""
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": type_,
        "messaging.destination.name": channel,
    }


def of_event(event: Event) -> Attributes:
    """One event."""
    said: Attributes = {
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": event.source,
        "cloudevents.event_spec_version": SPECVERSION,
        "cloudevents.event_type": event.type,
    }
    if event.subject is not None:
        said["cloudevents.event_subject"] = event.subject
    if event.data is not None:
        said["messaging.message.body.size"] = len(event.data)
    return said


def of_sink(subscription: Subscription, number: int) -> Attributes:
    """Where an attempt goes: never the path and the query, where secrets may stand."""
    said: Attributes = {
        "messaging.destination.subscription.name": subscription.id,
        "chappe.protocol": subscription.protocol,
    }
    try:
        url = urlsplit(subscription.sink)
        host, port = url.hostname, url.port
    except ValueError:
        host, port, url = None, None, urlsplit("")
    if host:
        said["server.address"] = host
        usual = {"https": 443, "http": 80}.get(url.scheme)
        if port or usual:
            said["server.port"] = port or usual or 0
    if number > 1:
        said["http.request.resend_count"] = number - 1
    return said


def of_outcome(outcome: Outcome | None) -> tuple[Attributes, str | None]:
    """What an attempt came to, and the error where it is one."""
    match outcome:
        case None:
            return {"chappe.outcome": "cancelled", "error.type": "cancelled"}, "cancelled"
        case Delivered(status=status):
            return _status("delivered", status), None
        case Failed(reason=reason, status=status):
            return _failed("failed", status, "no answer"), reason
        case Refused(reason=reason, status=status):
            return _failed("refused", status, "refused"), reason
        case Gone(reason=reason, status=status):
            return _failed("gone", status, "gone"), reason


def _status(outcome: str, status: int | None) -> Attributes:
    said: Attributes = {"chappe.outcome": outcome}
    if status is not None:
        said["http.response.status_code"] = status
    return said


def _failed(outcome: str, status: int | None, otherwise: str) -> Attributes:
    return _status(outcome, status) | {"error.type": otherwise if status is None else str(status)}

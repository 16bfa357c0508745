"""Whether a subscription may take events of a type, of which nothing else is known."""

from __future__ import annotations

from chappe.domain.filters import All, AnyOf, Exact, Filter, Not, Prefix, Sql, Suffix
from chappe.domain.subscription import Subscription


def may_take(subscription: Subscription, type_: str) -> bool:
    """False only where no event of the type could pass."""
    if subscription.types and type_ not in subscription.types:
        return False
    return passes(subscription.filter, type_) is not False


def passes(filter_: Filter, type_: str) -> bool | None:
    """What a filter says to every event of the type; None: it depends on the event."""
    match filter_:
        case Exact("type", value):
            return type_ == value
        case Prefix("type", value):
            return type_.startswith(value)
        case Suffix("type", value):
            return type_.endswith(value)
        case All(parts):
            said = {passes(part, type_) for part in parts}
            return False if False in said else None if None in said else True
        case AnyOf(parts):
            said = {passes(part, type_) for part in parts}
            return True if True in said else None if None in said else False
        case Not(part):
            inner = passes(part, type_)
            return None if inner is None else not inner
        case Exact() | Prefix() | Suffix() | Sql():
            return None

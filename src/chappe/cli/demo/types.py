"""What the sample shop declares: twelve types with schemas and owners, who sends them, who takes them.

It is written as anybody would write it: one document of the registry, for `POST /`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

_ENVELOPE: Final = "CloudEvents/1.0"
_FORMAT: Final = "JsonSchema/draft-07"

_ID: Final = {"type": "string", "minLength": 1}
_MONEY: Final = {"type": "number", "minimum": 0}
_CURRENCY: Final = {"enum": ["EUR", "USD", "GBP"]}
_COUNT: Final = {"type": "integer", "minimum": 1}
_ITEMS: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["sku", "quantity"],
        "properties": {"sku": _ID, "quantity": _COUNT},
    },
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of event: what its payload has (all of it required), and how strictly that is checked."""

    description: str
    fields: Mapping[str, Mapping[str, Any]]
    validation: str = "enforce"

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its payload."""
        return {
            "type": "object",
            "required": list(self.fields),
            "properties": {name: dict(one) for name, one in self.fields.items()},
        }


@dataclass(frozen=True, slots=True)
class Domain:
    """A group of types: who owns it, and the source that sends them."""

    description: str
    owner: str
    source: str
    kinds: Mapping[str, Kind]


DOMAINS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "checkout": Domain(
            "Orders, from the cart to the money",
            "team-checkout",
            "/shop/web",
            {
                "shop.order.placed": Kind(
                    "A customer ordered",
                    {"order": _ID, "customer": _ID, "items": _ITEMS, "total": _MONEY,
                     "currency": _CURRENCY},
                ),
                "shop.order.paid": Kind(
                    "An order was paid",
                    {"order": _ID, "total": _MONEY, "currency": _CURRENCY, "method": _ID},
                ),
                "shop.order.cancelled": Kind(
                    "A customer took an order back", {"order": _ID, "reason": _ID}
                ),
                "shop.order.refunded": Kind(
                    "Money went back to a customer",
                    {"order": _ID, "total": _MONEY, "currency": _CURRENCY},
                    validation="warn",
                ),
                "shop.payment.failed": Kind(
                    "A payment was refused", {"order": _ID, "code": _ID, "retriable": {"type": "boolean"}}
                ),
            },
        ),
        "logistics": Domain(
            "Parcels, from the shelf to the door",
            "team-logistics",
            "/shop/warehouse",
            {
                "shop.shipment.created": Kind(
                    "A parcel was packed", {"shipment": _ID, "order": _ID, "carrier": _ID}
                ),
                "shop.shipment.delivered": Kind(
                    "A parcel is at the door", {"shipment": _ID, "order": _ID}
                ),
                "shop.shipment.delayed": Kind(
                    "A parcel comes later", {"shipment": _ID, "order": _ID, "days": _COUNT}
                ),
            },
        ),
        "catalog": Domain(
            "What is on sale, and how much of it",
            "team-catalog",
            "/shop/catalog",
            {
                "shop.price.changed": Kind(
                    "A product costs something else", {"sku": _ID, "price": _MONEY, "currency": _CURRENCY}
                ),
                "shop.stock.low": Kind(
                    "A product is nearly sold out",
                    {"sku": _ID, "left": {"type": "integer", "minimum": 0}},
                ),
            },
        ),
        "customers": Domain(
            "Who buys",
            "team-crm",
            "/shop/accounts",
            {
                "shop.customer.registered": Kind(
                    "Somebody has an account now", {"customer": _ID, "country": {"type": "string", "maxLength": 2}}
                ),
                "shop.customer.moved": Kind(
                    "A customer has another address", {"customer": _ID, "city": _ID}
                ),
            },
        ),
    }
)  # fmt: skip

UNDECLARED: Final = "shop.cache.cleared"
"""A type that is sent, and that nobody has declared: so that there is drift to be seen."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A service that subscribes: to which types, of which subjects; `fails`: it takes some badly."""

    description: str
    owner: str
    groups: tuple[str, ...]
    types: tuple[str, ...]
    subject_prefix: str | None = None
    fails: bool = False


CONSUMERS: Final[Mapping[str, Consumer]] = MappingProxyType(
    {
        "billing": Consumer(
            "Writes invoices",
            "team-finance",
            ("checkout",),
            ("shop.order.paid", "shop.order.refunded"),
        ),
        "shipping": Consumer(
            "Packs parcels", "team-logistics", ("checkout",), ("shop.order.paid",)
        ),
        "analytics": Consumer(
            "Counts what European customers do",
            "team-data",
            tuple(DOMAINS),
            (),
            subject_prefix="eu-",
        ),
        "crm": Consumer(
            "Tells customers; it fails now and then, and does not know refunds",
            "team-crm",
            ("checkout", "logistics"),
            (
                "shop.order.placed",
                "shop.order.refunded",
                "shop.shipment.created",
                "shop.shipment.delivered",
            ),
            fails=True,
        ),
    }
)


def document(hub_url: str, sinks: Mapping[str, str]) -> dict[str, Any]:
    """The registry's groups; `sinks` are the consumers' URLs."""
    return {
        "messagegroups": {
            name: {
                "description": domain.description,
                "envelope": _ENVELOPE,
                "labels": {"owner": domain.owner, "domain": name},
                "messages": {
                    type_: {
                        "description": kind.description,
                        "labels": {"owner": domain.owner},
                        "envelope": _ENVELOPE,
                        "envelopemetadata": {"type": {"value": type_}},
                        "dataschemaformat": _FORMAT,
                        "dataschema": kind.schema,
                        "validation": kind.validation,
                    }
                    for type_, kind in domain.kinds.items()
                },
            }
            for name, domain in DOMAINS.items()
        },
        "endpoints": {
            **{
                domain.source.strip("/").replace("/", "-"): _endpoint(
                    f"Sends the events of {name}",
                    domain.owner,
                    (name,),
                    "consumer",
                    f"{hub_url}/events",
                    {"source": domain.source},
                )
                for name, domain in DOMAINS.items()
            },
            **{
                name: _endpoint(one.description, one.owner, one.groups, "producer", sinks[name], {})
                for name, one in CONSUMERS.items()
            },
        },
    }


def _endpoint(
    description: str,
    owner: str,
    groups: tuple[str, ...],
    usage: str,
    uri: str,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "description": description,
        "labels": {"owner": owner, **labels},
        "usage": [usage],
        "envelope": _ENVELOPE,
        "protocol": "HTTP",
        "protocoloptions": {"endpoints": [{"uri": uri}]},
        "messagegroups": [f"/messagegroups/{group}" for group in groups],
    }

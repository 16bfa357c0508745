"""The events of the sample shop: orders and what becomes of them, each with its cause and its trace."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final

import msgspec

from chappe.cli.demo.types import DOMAINS, UNDECLARED
from chappe.cli.moment import now_text
from chappe.domain.event import Event

_REGIONS: Final = ("eu", "eu", "us", "uk")
_SKUS: Final = ("mug-blue", "mug-red", "shirt-m", "shirt-l", "poster", "lamp")
_SOURCES: Final = {type_: one.source for one in DOMAINS.values() for type_ in one.kinds}
_FIRST: Final = 1000


class Traffic:
    """Makes the shop's events, always the same ones for a seed; `run` tells one shop's ids from another's."""

    def __init__(self, random: Random, run: str) -> None:
        self._random = random
        self._run = run
        self._orders = _FIRST
        self._events = 0

    def events(self) -> Iterator[Event]:
        """For ever: one story after another, an event at a time."""
        while True:
            yield from self._random.choices(
                (self._order, self._refund, self._catalog, self._customer, self._cache),
                weights=(12, 2, 3, 2, 1),
            )[0]()

    def _order(self) -> Iterator[Event]:
        random = self._random
        self._orders += 1
        order, trace = f"A-{self._orders}", f"{random.getrandbits(128):032x}"
        subject = f"{random.choice(_REGIONS)}-{random.randrange(1, 400)}"
        money = {"total": round(random.uniform(5, 250), 2), "currency": "EUR"}
        items = [
            {"sku": sku, "quantity": random.randint(1, 3)}
            for sku in random.sample(_SKUS, random.randint(1, 3))
        ]
        placed = self._event(
            "shop.order.placed",
            {"order": order, "customer": subject, "items": items, **money},
            subject,
            trace,
        )
        yield placed
        if random.random() < 0.1:
            yield self._event(
                "shop.payment.failed",
                {"order": order, "code": "card_declined", "retriable": True},
                subject, trace, placed,
            )  # fmt: skip
            yield self._event(
                "shop.order.cancelled",
                {"order": order, "reason": "not paid"}, subject, trace, placed,
            )  # fmt: skip
            return
        paid = self._event(
            "shop.order.paid", {"order": order, **money, "method": "card"}, subject, trace, placed
        )
        yield paid
        shipment = {"shipment": f"P-{order}", "order": order}
        created = self._event(
            "shop.shipment.created", {**shipment, "carrier": "post"}, subject, trace, paid
        )
        yield created
        if random.random() < 0.15:
            late = {**shipment, "days": random.randint(1, 4)}
            yield self._event("shop.shipment.delayed", late, subject, trace, created)
        yield self._event("shop.shipment.delivered", shipment, subject, trace, created)

    def _refund(self) -> Iterator[Event]:
        random = self._random
        order = f"A-{random.randint(_FIRST, max(_FIRST, self._orders))}"
        total = round(random.uniform(5, 100), 2)
        # The old till writes numbers as text: the schema's mode is `warn`, so that it shows.
        shown = str(total) if random.random() < 0.3 else total
        subject = f"{random.choice(_REGIONS)}-{random.randrange(1, 400)}"
        data = {"order": order, "total": shown, "currency": "EUR"}
        yield self._event("shop.order.refunded", data, subject, f"{random.getrandbits(128):032x}")

    def _catalog(self) -> Iterator[Event]:
        random = self._random
        sku, trace = random.choice(_SKUS), f"{random.getrandbits(128):032x}"
        if random.random() < 0.5:
            data: dict[str, Any] = {"sku": sku, "left": random.randint(0, 5)}
            yield self._event("shop.stock.low", data, sku, trace)
            return
        data = {"sku": sku, "price": round(random.uniform(5, 90), 2), "currency": "EUR"}
        yield self._event("shop.price.changed", data, sku, trace)

    def _customer(self) -> Iterator[Event]:
        random = self._random
        region = random.choice(_REGIONS)
        customer, trace = f"{region}-{random.randrange(1, 400)}", f"{random.getrandbits(128):032x}"
        if random.random() < 0.6:
            data = {"customer": customer, "country": region.upper()}
            yield self._event("shop.customer.registered", data, customer, trace)
            return
        data = {"customer": customer, "city": random.choice(("Lyon", "Gent", "Bath", "Reno"))}
        yield self._event("shop.customer.moved", data, customer, trace)

    def _cache(self) -> Iterator[Event]:
        data = {"entries": self._random.randint(1, 900)}
        yield self._event(UNDECLARED, data, "web-1", f"{self._random.getrandbits(128):032x}")

    def _event(
        self, type_: str, data: dict[str, Any], subject: str, trace: str, cause: Event | None = None
    ) -> Event:
        self._events += 1
        extensions: dict[str, Any] = {
            "traceparent": f"00-{trace}-{self._random.getrandbits(64):016x}-01",
        }
        if cause is not None:
            extensions["causationid"] = cause.id
        return Event(
            id=f"{self._run}-{self._events}",
            source=_SOURCES.get(type_, "/shop/web"),
            type=type_,
            subject=subject,
            time=now_text(),
            datacontenttype="application/json",
            extensions=extensions,
            data=msgspec.json.encode(data),
            text=True,
        )

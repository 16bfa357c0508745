"""Handlers as plain functions, without a hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chappe.client.arrived import Arrived
from chappe.consumer import Consumer, Outcome, Reject
from chappe.domain.errors import InvalidEvent, Malformed
from chappe.domain.event import Event


@dataclass
class Order:
    total: float


@pytest.fixture
def app() -> Consumer:
    return Consumer("billing")


async def test_an_event_goes_to_the_first_handler_that_wants_it(app: Consumer) -> None:
    seen: list[object] = []

    @app.on("order.paid")
    async def paid(order: Order, event: Event) -> None:
        seen.append((order, event.subject))

    @app.on(sql="type LIKE 'order.%' AND hop > 2")
    def far(data: Any) -> None:
        seen.append(data)

    @app.on("order.*")
    def other(arrived: Arrived) -> None:
        seen.append(arrived.type)

    words = [
        await app.deliver("order.paid", {"total": 12}, subject="A-1"),
        await app.deliver("order.sent", {"total": 1}, extensions={"hop": 3}),
        await app.deliver("order.sent", extensions={"hop": 1}),
        await app.deliver("user.gone"),
    ]

    assert seen == [(Order(12), "A-1"), {"total": 1}, "order.sent"]
    assert [one.word for one in words] == ["acknowledged"] * 3 + ["released"]
    assert [(one.handler or "").rpartition(".")[2] for one in words] == ["paid", "far", "other", ""]


async def test_what_a_handler_raises_decides_what_becomes_of_the_event(app: Consumer) -> None:
    @app.on("later")
    async def later() -> None:
        raise ConnectionError("the database is away")

    @app.on("never")
    def never() -> None:
        raise Reject("no such order")

    @app.on("typed")
    def typed(order: Order) -> None: ...

    again, never_, typed_ = [await app.deliver(one, {}) for one in ("later", "never", "typed")]

    assert (again.word, again.reason) == ("released", "ConnectionError: the database is away")
    assert 0 <= again.delay_s <= 1
    assert isinstance(again.error, ConnectionError)
    assert (never_.word, never_.reason) == ("rejected", "no such order")
    assert typed_.word == "rejected"
    assert "total" in (typed_.reason or "")


async def test_a_handler_is_still_the_function_that_it_was(app: Consumer) -> None:
    @app.on("a")
    @app.on("b")
    def count(data: int, extra: str = "x") -> int:
        return data + 1

    assert count(1) == 2
    assert [(await app.deliver(type_, 1)).word for type_ in "ab"] == ["acknowledged"] * 2


def test_a_handler_that_cannot_be_called_is_refused_when_it_is_named(app: Consumer) -> None:
    def twice(first: dict[str, int], second: Order) -> None: ...
    def keyword(*, order: Order) -> None: ...

    for handler in (twice, keyword):
        with pytest.raises(Malformed, match=handler.__name__):
            app.on("a")(handler)
    with pytest.raises(Malformed):
        app.on(sql="type = = 'a'")(lambda: None)
    with pytest.raises(Malformed, match="concurrency"):
        Consumer("billing", concurrency=0)


async def test_a_consumer_without_handlers_does_not_start(app: Consumer) -> None:
    with pytest.raises(Malformed, match="no handler"):
        await app.serve()


async def test_an_event_that_is_none_is_no_event_for_a_handler_either(app: Consumer) -> None:
    app.on("*")(lambda: None)

    with pytest.raises(InvalidEvent):
        await app.deliver("a", id="")
    assert isinstance(await app.deliver("a"), Outcome)

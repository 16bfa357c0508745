"""Payloads reshaped by JSONata, in real helper processes; hostile expressions among them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chappe.adapters.jsonata.evaluator import HelpedReshaper
from chappe.domain.event import Event
from chappe.domain.options import Transform
from chappe.flows.deliver.reshape import Reshape
from chappe.ports.reshaper import CannotReshape

ORDER = Event(
    id="e-1",
    source="/shop",
    type="order.paid",
    datacontenttype="application/json",
    data=b'{"items": [{"price": 12.5, "n": 2}, {"price": 3, "n": 1}], "who": "\xc3\x9c"}',
    text=True,
)


@pytest_asyncio.fixture
async def reshape() -> AsyncIterator[Reshape]:
    reshaper = HelpedReshaper()
    yield Reshape(reshaper)
    reshaper.close()


async def test_data_is_what_the_expression_gives(reshape: Reshape) -> None:
    transform = Transform(data='{"total": $sum(data.items.(price * n)), "by": data.who, "t": type}')
    event = await reshape(transform, ORDER)
    assert json.loads(event.data or b"") == {"total": 28, "by": "Ü", "t": "order.paid"}
    assert (event.datacontenttype, event.text) == ("application/json", True)
    assert (event.id, event.source) == (ORDER.id, ORDER.source)


async def test_an_expression_that_gives_nothing_leaves_no_data(reshape: Reshape) -> None:
    event = await reshape(Transform(data="data.nothing.there"), ORDER)
    assert (event.data, event.datacontenttype) == (None, None)


async def test_attributes_are_set_beside_and_see_the_event_as_it_was(reshape: Reshape) -> None:
    transform = Transform(
        data="data.who", set={"subject": "{type}", "datacontenttype": "application/vnd.x+json"}
    )
    event = await reshape(transform, ORDER)
    assert (event.subject, event.datacontenttype) == ("order.paid", "application/vnd.x+json")
    assert event.data == '"Ü"'.encode()


async def test_what_would_be_no_event_is_refused(reshape: Reshape) -> None:
    with pytest.raises(CannotReshape, match="time"):
        await reshape(Transform(set={"time": "{type}"}), ORDER)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("$error('no')", "no"),
        ("data.who + 1", "left side"),
        ("function($x){$x}", "no JSON"),
    ],
)
async def test_an_expression_that_fails_says_why(
    reshape: Reshape, expression: str, says: str
) -> None:
    with pytest.raises(CannotReshape) as failed:
        await reshape(Transform(data=expression), ORDER)
    assert str(failed.value).startswith("transform/data: ")
    assert says in str(failed.value)


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($n){ $f($n + 1) }; $f(1))",
        "($f := function($n){ 1 + $f($n + 1) }; $f(1))",
        "$sum([1..9999999].($ * 2))",
        "$contains('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a+)+$/)",
        "($s := function($t, $n){ $n = 0 ? $t : $s($t & $t, $n - 1) }; $s('aaaaaaaaaa', 60))",
    ],
)
async def test_an_expression_that_never_ends_is_ended_and_holds_no_other(expression: str) -> None:
    reshaper = HelpedReshaper(watchdog_s=3.0)
    reshape = Reshape(reshaper)
    try:
        with pytest.raises(CannotReshape):
            async with asyncio.timeout(60):
                await reshape(Transform(data=expression), ORDER)
        event = await reshape(Transform(data="data.who"), ORDER)
        assert event.data == '"Ü"'.encode()
    finally:
        reshaper.close()


async def test_the_processes_end_with_their_owner() -> None:
    reshaper = HelpedReshaper()
    for number in range(8):
        await reshaper.reshape(f"{number}", b"{}")
    pids = [process.pid for process, _ in reshaper._helpers if process.pid is not None]
    assert pids
    reshaper.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

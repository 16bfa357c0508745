"""What the edge writes to the log."""

from __future__ import annotations

from typing import Any

import pytest
from http_edge import running


def told(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [
        record.__dict__["fields"] for record in caplog.records if record.getMessage() == message
    ]


async def test_accepted_events_are_summed_for_each_channel(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with running() as hub:
        for id_ in "112":
            await hub.publish(ce_id=id_, body=b"12345")
        await hub.publish(ce_id=None)
        assert not told(caplog, "request")
        hub.app.drain()
        (line,) = told(caplog, "events on default")
        assert (line["events"], line["duplicates"], line["bytes"]) == (3, 1, 15)
        assert line["rejected"] == {"invalid_event": 1}
        assert line["p99_ms"] > 0


async def test_a_refused_event_has_a_line_that_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as hub:
        await hub.publish(ce_id="")
        (line,) = told(caplog, "refused")
        assert (line["path"], line["status"], line["code"]) == ("/events", 400, "invalid_event")
        assert line["detail"].startswith("id:")


async def test_a_flood_of_refusals_is_not_a_flood_of_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n" * 1000)
        for _ in range(1000):
            await reader.readuntil(b'"unsupported_format"}')
        assert hub.counters.rejected["unsupported_format"] == 1000
        assert 100 <= len(told(caplog, "refused")) < 1000


async def test_any_other_request_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with running() as hub:
        await hub.ask("GET", "/subscriptions/none?x=1")
        await hub.ask("GET", "/livez")
        (line,) = told(caplog, "request")
        assert (line["method"], line["path"], line["status"]) == ("GET", "/subscriptions/none", 400)
        assert line["code"] == "malformed"
        assert line["ms"] >= 0


async def test_channel_names_that_are_made_up_take_no_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with running() as hub:
        await hub.publish("/channels/made-up/events")
        hub.app.drain()
        assert not told(caplog, "events on made-up")

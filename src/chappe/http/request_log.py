"""What the edge logs: one wide line a request, and one line in ten seconds for accepted events."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from chappe.kit.wide_event import Cap, Summary, wide

WINDOW_S: Final = 10.0

_log = logging.getLogger("chappe.http")


class RequestLog:
    """Sums what comes too often to be told one by one."""

    def __init__(self) -> None:
        self._summaries: dict[str, Summary] = {}
        self._refusals = Cap()
        self._timer: asyncio.TimerHandle | None = None

    def accepted(
        self, channel: str, *, events: int, duplicates: int, size_bytes: int, seconds: float
    ) -> None:
        """Events were taken in."""
        summary = self._summaries.get(channel) or self._open(channel)
        summary.accepted(events, duplicates, size_bytes, seconds)

    def refused(
        self,
        channel: str | None,
        code: str,
        *,
        status: int,
        detail: str,
        path: str,
        by: str | None,
        trace_id: str | None = None,
    ) -> None:
        """A publishing request was refused. `channel` is None where it does not exist."""
        if channel is not None:
            (self._summaries.get(channel) or self._open(channel)).refused(code)
        left_out = self._refusals.take(asyncio.get_running_loop().time())
        if left_out is not None:
            _log.warning(
                "refused",
                extra=wide(
                    path=path, status=status, code=code, detail=detail, by=by,
                    trace_id=trace_id, left_out=left_out or None,
                ),
            )  # fmt: skip

    def request(
        self,
        method: str,
        path: str,
        *,
        status: int,
        seconds: float,
        by: str | None,
        code: str | None = None,
        detail: str | None = None,
        quiet: bool = False,
        trace_id: str | None = None,
    ) -> None:
        """Any other request was answered; `quiet` ones (health) show at level debug."""
        level = logging.DEBUG if quiet and status < 500 else logging.INFO
        if _log.isEnabledFor(level):
            fields = wide(
                method=method, path=path, status=status, ms=round(seconds * 1000, 3),
                by=by, code=code, detail=detail, trace_id=trace_id,
            )  # fmt: skip
            _log.log(level, "request", extra=fields)

    def flush(self) -> None:
        """Write the sums now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        summaries, self._summaries = self._summaries, {}
        for channel, summary in summaries.items():
            _log.info("events on %s", channel, extra=summary.fields())

    def _open(self, channel: str) -> Summary:
        summary = self._summaries[channel] = Summary()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WINDOW_S, self.flush)
        return summary

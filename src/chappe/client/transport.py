"""What carries the client's requests to a hub: HTTP (client/http1), or a hub in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Arriving(Protocol):
    """An answer that is read as it comes."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, with names in lower case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes, until the hub ends it."""
        ...


class Transport(Protocol):
    """Asks one hub; as many questions at a time as there are callers."""

    @property
    def url(self) -> str:
        """Where the hub is, for messages to people."""
        ...

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float,
        repeatable: bool = False,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        `target` is the path with its query, below the hub's root. `repeatable` allows a POST to be
        sent a second time where it is not known whether the first arrived.

        Raises:
            Unavailable: no whole answer, or none within `timeout_s`.
        """
        ...

    def stream(
        self, target: str, *, headers: Mapping[str, str], timeout_s: float, silence_s: float
    ) -> AbstractAsyncContextManager[Arriving]:
        """GET what is read as it comes; `timeout_s` is for the answer's head.

        Raises:
            Unavailable: no answer in time, or it was lost or silent for `silence_s` on the way.
        """
        ...

    async def close(self) -> None:
        """Close what is kept open."""
        ...

"""A request for a page and its answer, as plain values; the server turns HTTP into them and back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

HTML = "text/html; charset=utf-8"
MAX_FORM_BYTES = 64 * 1024
"""What a form of a page may hold: a filter, a name, a few ids."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request below /console/.

    `path` is what stands after "/console/", as it was sent: b"types/a%2Fb" -> "types/a%2Fb"; None is
    "/console" itself, without the slash. Names of headers are in lower case; of several headers of
    one name the first counts. `hub_url` is where the hub is for its callers, for snippets.
    """

    method: str
    path: str | None
    raw_query: str
    headers: Mapping[str, str]
    body: bytes = b""
    hub_url: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters; of several of one name the last counts, empty ones are left out."""
        return dict(parse_qsl(self.raw_query))

    @property
    def wants_json(self) -> bool:
        """Whether a program asks, which takes what a page is made of instead of the page."""
        wanted = self.query.get("format")
        if wanted is not None:
            return wanted == "json"
        accept = self.headers.get("accept", "")
        return "application/json" in accept and "text/html" not in accept

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form that was sent, in its order."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def to_root(self) -> str:
        """The way from this page to /console/, relative: pages work below any path of a proxy."""
        return "../" * (self.path or "").count("/")


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Streaming:
    """An answer that is sent piece by piece; its chunks are closed when the reader is gone."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


Reply: TypeAlias = Answered | Streaming

"""Channels: what there is, and how much is in it."""

from __future__ import annotations

from collections.abc import Mapping

from chappe.domain.channel import Channel
from chappe.domain.errors import NotFound
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def list_all(parts: Parts, request: Request) -> Response:
    """All channels, an array in the order of their names."""
    channels = parts.state.value.channels
    return json_response([await _shown(parts, channels[name]) for name in sorted(channels)])


async def one(parts: Parts, request: Request) -> Response:
    """One channel."""
    name = request.params["channel"]
    channel = parts.state.value.channels.get(name)
    if channel is None:
        raise NotFound(f"channel {name!r}: there is none of that name")
    return json_response(await _shown(parts, channel))


async def _shown(parts: Parts, channel: Channel) -> Mapping[str, object]:
    extent = await parts.extent(channel)
    return {
        "name": channel.name,
        "shards": channel.shards,
        "first_block": extent.first_block,
        "last_block": extent.last_block,
        "size_bytes": extent.size_bytes,
    }

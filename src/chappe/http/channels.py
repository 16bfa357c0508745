"""How much is in a channel; the channel itself is an entity of the registry."""

from __future__ import annotations

from chappe.domain.errors import NotFound
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts


async def extent(parts: Parts, request: Request) -> Response:
    """The blocks that a channel holds, their size, and what is kept at most (0: no bound)."""
    name = request.params["channel"]
    channel = parts.state.value.channels.get(name)
    if channel is None:
        raise NotFound(f"channel {name!r}: there is none of that name")
    found = await parts.extent(channel)
    return json_response(
        {
            "channel": channel.name,
            "shards": channel.shards,
            "first_block": found.first_block,
            "last_block": found.last_block,
            "size_bytes": found.size_bytes,
            "retention": {
                "max_age_s": int(found.max_age_s)
                if found.max_age_s.is_integer()
                else found.max_age_s,
                "max_bytes": found.max_bytes,
            },
        }
    )

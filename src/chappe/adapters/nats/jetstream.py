"""Managing streams: make what the hub declares, and say clearly when something else is there.

A stream's `config` is JetStream's own, without the name:
`{"subjects": ["EV.orders.*"], "allow_direct": True, "metadata": {"chappe-shards": "4"}}`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from chappe.adapters.nats.connection import ApiError, Connection
from chappe.domain.errors import Conflict, Unavailable

STREAM_NOT_FOUND: Final = 10059
START_WITHIN_S: Final = 60.0
"""How long a hub that starts waits for a cluster to elect leaders."""
_PAUSE_S: Final = 0.2  # where there is no connection at all, the answer comes at once
_NAME_IN_USE: Final = 10058
_NO_MESSAGE: Final = frozenset({10037, 10043, 10057})  # not there, or deleted before
# What a stream may not become, or what would change the meaning of what it holds.
_FIXED: Final = ("retention", "storage", "mirror", "sources")
_log = logging.getLogger("chappe.nats")
_OURS: Final = "chappe"  # metadata of this prefix never changes; the engine keeps own ones beside


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream as it is; `subjects` counts messages by subject where that was asked for."""

    name: str
    config: Mapping[str, object]
    metadata: Mapping[str, str]
    messages: int
    size_bytes: int
    first_seq: int
    last_seq: int
    consumers: int
    subjects: Mapping[str, int]


async def ensure_stream(conn: Connection, name: str, config: Mapping[str, object]) -> None:
    """Create the stream, or update it to `config`; what `config` leaves out keeps its value.

    Any number of nodes may do this at the same time.

    Raises:
        Conflict: there is such a stream, and it contradicts `config` in something that cannot
            change: its kind of storage or retention, or metadata `chappe…`.
        ApiError, Unavailable: the engine refused, or does not answer.
    """
    found = await find_stream(conn, name)
    if found is None:
        try:
            await conn.api(f"STREAM.CREATE.{name}", {"name": name, **config})
        except ApiError as error:
            if error.err_code != _NAME_IN_USE:
                raise
        else:
            return
        found = await stream_info(conn, name)  # another node was faster, with another config
    kept = found.config
    _check(name, kept, config)
    wanted = {**kept, **config, "metadata": {**_metadata(kept), **_metadata(config)}}
    if wanted != kept and wanted != {**kept, "metadata": _metadata(kept)}:
        await conn.api(f"STREAM.UPDATE.{name}", wanted)


async def wait_led(
    conn: Connection, *names: str, ask_again_s: float = 2.0, within_s: float = START_WITHIN_S
) -> None:
    """Wait until each stream has a leader that answers, or there is no such stream.

    A cluster that has lost a server answers nothing for its streams until it has elected others, which
    takes it 4 to 10 s; what was asked meanwhile is never answered.

    Raises:
        Unavailable: it took longer than `within_s`.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + within_s
    for name in names:
        while True:
            try:
                await conn.api(f"STREAM.INFO.{name}", timeout_s=ask_again_s)
            except ApiError:
                break  # that is an answer; whoever needs the stream learns what it means
            except Unavailable as problem:
                if loop.time() >= until_s:
                    raise
                _log.warning("stream %s: %s; asking again", name, problem.message)
                await asyncio.sleep(_PAUSE_S)
            else:
                break


async def find_stream(conn: Connection, name: str) -> StreamInfo | None:
    """The stream's info, or None where there is none."""
    try:
        return await stream_info(conn, name)
    except ApiError as error:
        if error.err_code == STREAM_NOT_FOUND:
            return None
        raise


async def stream_info(conn: Connection, name: str, *, subjects_filter: str = "") -> StreamInfo:
    """The stream's info; with `subjects_filter` also the messages by subject, at most 100,000.

    Raises:
        ApiError: 10059, there is no such stream.
    """
    body = {"subjects_filter": subjects_filter} if subjects_filter else None
    reply = msgspec.convert(await conn.api(f"STREAM.INFO.{name}", body), _Info)
    state = reply.state
    return StreamInfo(
        name,
        reply.config,
        _metadata(reply.config),
        state.messages,
        state.bytes,
        state.first_seq,
        state.last_seq,
        state.consumer_count,
        state.subjects or {},
    )


async def last_seq(conn: Connection, name: str, subject: str) -> int:
    """The sequence of a subject's last message as the leader knows it; 0 when there is none."""
    try:
        reply = await conn.api(f"STREAM.MSG.GET.{name}", {"last_by_subj": subject})
    except ApiError as error:
        if error.err_code in _NO_MESSAGE:
            return 0
        raise
    message = reply["message"]
    assert isinstance(message, dict)
    return int(message["seq"])


async def has_message(conn: Connection, name: str, seq: int) -> bool:
    """Whether the message is there, as the leader knows it."""
    try:
        await conn.api(f"STREAM.MSG.GET.{name}", {"seq": seq})
    except ApiError as error:
        if error.err_code in _NO_MESSAGE:
            return False
        raise
    return True


async def stream_names(conn: Connection, *, subject: str = "") -> list[str]:
    """The names of all streams, or of those that take a subject, in the server's order."""
    names: list[str] = []
    while True:
        body: dict[str, object] = {"offset": len(names)}
        if subject:
            body["subject"] = subject
        page = await conn.api("STREAM.NAMES", body)
        some, total = page.get("streams") or [], page.get("total", 0)
        assert isinstance(some, list)
        assert isinstance(total, int)
        names += some
        if not some or len(names) >= total:
            return names


async def purge(
    conn: Connection, name: str, *, subject: str = "", before_seq: int = 0, keep: int = 0
) -> int:
    """Delete messages: of a subject (wildcards allowed), below a sequence, or all but the last.

    `before_seq` and `keep` exclude each other. Returns how many are gone.
    """
    body: dict[str, object] = {}
    if subject:
        body["filter"] = subject
    if before_seq:
        body["seq"] = before_seq
    if keep:
        body["keep"] = keep
    reply = await conn.api(f"STREAM.PURGE.{name}", body)
    return int(str(reply.get("purged", 0)))


async def delete_message(conn: Connection, name: str, seq: int) -> bool:
    """Delete one message, without overwriting its bytes; False where there is none."""
    try:
        await conn.api(f"STREAM.MSG.DELETE.{name}", {"seq": seq, "no_erase": True})
    except ApiError as error:
        if error.err_code in _NO_MESSAGE:
            return False
        raise
    return True


async def delete_stream(conn: Connection, name: str) -> bool:
    """Delete the stream and all that it holds; False where there is none."""
    try:
        await conn.api(f"STREAM.DELETE.{name}")
    except ApiError as error:
        if error.err_code == STREAM_NOT_FOUND:
            return False
        raise
    return True


def _check(name: str, kept: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    contradictions = [
        (key, kept.get(key), wanted[key])
        for key in _FIXED
        if key in wanted and wanted[key] != kept.get(key)
    ]
    has, wants = _metadata(kept), _metadata(wanted)
    contradictions += [
        (f"metadata {key}", has.get(key), value)
        for key, value in wants.items()
        if key.startswith(_OURS) and has.get(key) != value
    ]
    if contradictions:
        told = "; ".join(f"{key} is {is_!r}, not {not_!r}" for key, is_, not_ in contradictions)
        raise Conflict(f"stream {name!r} exists and cannot change: {told}", stream=name)


def _metadata(config: Mapping[str, object]) -> dict[str, str]:
    metadata = config.get("metadata")
    return dict(metadata) if isinstance(metadata, Mapping) else {}


class _State(msgspec.Struct):
    messages: int = 0
    bytes: int = 0
    first_seq: int = 0
    last_seq: int = 0
    consumer_count: int = 0
    subjects: dict[str, int] | None = None


class _Info(msgspec.Struct):
    config: dict[str, object]
    state: _State

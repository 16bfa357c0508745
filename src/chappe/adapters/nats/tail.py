"""The end of a channel, read once for all who follow it on this node.

The engine sends the headers of new blocks alone. Most blocks this node has written itself and has in
memory, by the name in their headers; only those of other nodes are fetched. Without this the engine
would send every block to the node that wrote it, once for each follower.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chappe.adapters.nats.connection import Connection, Follower, Message
from chappe.adapters.nats.jetstream import stream_info
from chappe.domain.channel import Block

HELD_BLOCKS: Final = 1_000
"""Blocks that wait for one slow reader; beyond, it loses its place and reads the log again."""


class TailReader:
    """One follower's place at the end: what has come since it joined and was not taken."""

    def __init__(self, shard: int | None, begin: int) -> None:
        self.shard = shard
        self.begin = begin
        self.lost = False
        self._blocks: list[Block] = []
        self._came = asyncio.Event()
        self._error: BaseException | None = None

    async def next(self) -> list[Block]:
        """What has come; waits for it. Empty when the reader has lost its place.

        Raises:
            ApiError, Unavailable: the tail has ended, such as with its stream.
        """
        while not self._blocks and not self.lost:
            if self._error is not None:
                raise self._error
            self._came.clear()
            await self._came.wait()
        blocks, self._blocks = self._blocks, []
        return blocks

    def put(self, blocks: list[Block]) -> None:
        """Blocks have come, of any shard."""
        wanted = [block for block in blocks if self.shard is None or block.shard == self.shard]
        if not wanted:
            return
        self._blocks += wanted
        if len(self._blocks) > HELD_BLOCKS:
            self.lost = True
            self._blocks.clear()
        self._came.set()

    def fail(self, error: BaseException) -> None:
        """The tail has ended."""
        self._error = error
        self._came.set()


class ChannelTail:
    """Follows one stream while anybody reads it."""

    def __init__(
        self,
        connection: Connection,
        stream: str,
        subject: str,
        block_of: Callable[[Message], Awaitable[Block | None]],
    ) -> None:
        """`block_of` finds the block of a message that came without its payload; None: removed."""
        self._connection = connection
        self._stream = stream
        self._subject = subject
        self._block_of = block_of
        self._readers: set[TailReader] = set()
        self._position = 0
        self._task: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()

    async def join(self, shard: int | None) -> TailReader:
        """A reader that gets every block after its `begin`; leave it in the end."""
        async with self._joining:
            if self._task is None:
                self._position = (await stream_info(self._connection, self._stream)).last_seq
                follower = self._connection.follow(
                    self._stream, self._subject, self._position + 1, headers_only=True
                )
                self._task = asyncio.get_running_loop().create_task(
                    self._follow(follower), name=f"tail {self._stream}"
                )
            reader = TailReader(shard, self._position)
            self._readers.add(reader)
            return reader

    async def leave(self, reader: TailReader) -> None:
        """The reader reads no more; the last one ends the following."""
        self._readers.discard(reader)
        if not self._readers and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, follower: Follower) -> None:
        try:
            async for messages in follower:
                found = [await self._block_of(message) for message in messages]
                blocks = [block for block in found if block is not None]
                self._position = messages[-1].stream_seq
                for reader in self._readers:
                    reader.put(blocks)
        except Exception as error:  # noqa: BLE001  # handed to those who wait for it
            self._task = None
            for reader in self._readers:
                reader.fail(error)
        finally:
            await follower.close()

"""The end of a channel, read once for all who follow it on this node.

The engine sends the headers of new blocks alone. Most blocks this node has written itself and has in
memory, by the name in their headers; only those of other nodes are fetched. Without this the engine
would send every block to the node that wrote it, once for each follower.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chappe.adapters.nats.connection import Connection, Message
from chappe.adapters.nats.jetstream import stream_info
from chappe.domain.channel import Block

SIZE: Final = "Nats-Msg-Size"
"""The header in which the engine tells the size of a payload that it does not send."""

HELD_BLOCKS: Final = 4_000
HELD_BYTES: Final = 32 * 1024 * 1024
"""What waits for one slow reader; beyond, it loses its place and reads the log again."""


class TailReader:
    """One follower's place at the end: what has come since it joined and was not taken."""

    def __init__(self, shard: int | None, begin: int) -> None:
        self.shard = shard
        self.begin = begin
        self.lost = False
        self._blocks: list[Block] = []
        self._size = 0
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
        blocks, self._blocks, self._size = self._blocks, [], 0
        return blocks

    def put(self, block: Block, size: int) -> None:
        """A block of `size` bytes has come, of any shard."""
        if self.lost or (self.shard is not None and self.shard != block.shard):
            return
        self._blocks.append(block)
        self._size += size
        # One that is larger than all that may wait must come through all the same.
        if len(self._blocks) > HELD_BLOCKS or (self._size > HELD_BYTES and len(self._blocks) > 1):
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
                self._task = asyncio.get_running_loop().create_task(
                    self._follow(self._position + 1), name=f"tail {self._stream}"
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

    async def _follow(self, from_seq: int) -> None:
        follower = self._connection.follow(self._stream, self._subject, from_seq, headers_only=True)
        try:
            async for messages in follower:
                for message in messages:
                    block = await self._block_of(message)
                    # No await from here on: whoever joins stands before this block or behind it.
                    self._position = message.stream_seq
                    if block is None:
                        continue
                    size = int(message.headers.get(SIZE, "0"))
                    for reader in self._readers:
                        reader.put(block, size)
        except Exception as error:  # noqa: BLE001  # handed to those who wait for it
            # A later tail has readers of its own: these are told now, and get nothing of it.
            readers, self._readers, self._task = self._readers, set(), None
            for reader in readers:
                reader.fail(error)
        finally:
            await follower.close()

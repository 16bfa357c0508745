"""Classes of messages, of which each message of a pool has one at most.

`message_factory.GetMessageClass` makes the classes of a message's fields with it, one inside the call
of another: a schema in which 1,000 messages follow from each other exhausts the stack. Here none is
made before it is needed, and then without recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

# Public only as the type of every message class.
_make: Final[Callable[..., type[Message]]] = type(FileDescriptorProto)


class Classes:
    """The classes of a pool's messages; keeps each, for upb has a weak table that takes one only."""

    def __init__(self, pool: DescriptorPool, files: Sequence[FileDescriptorProto]) -> None:
        self.pool = pool
        self._names = [file.name for file in files]
        self._made: dict[str, type[Message]] = {}
        self._complete = False
        self._lock = Lock()

    def of(self, message: Descriptor) -> type[Message]:
        """The class of a message: enough to parse it. What reads its parts needs `complete` first."""
        with self._lock:
            return self._of(message)

    def complete(self) -> None:
        """Make all that are not made."""
        if self._complete:
            return
        with self._lock:
            for name in self._names:
                waiting = list(self.pool.FindFileByName(name).message_types_by_name.values())
                while waiting:
                    message = waiting.pop()
                    self._of(message)
                    waiting.extend(message.nested_types)
            self._complete = True

    def _of(self, message: Descriptor) -> type[Message]:
        made = self._made.get(message.full_name)
        if made is None:
            about = {"DESCRIPTOR": message, "__module__": None}
            made = self._made[message.full_name] = _make(message.name, (Message,), about)
        return made


def reachable(message: Descriptor) -> dict[str, Descriptor]:
    """A message and all that it can hold, by their full names; the message is the first."""
    found = {message.full_name: message}
    waiting = [message]
    while waiting:
        for field in fields_of(waiting.pop()):
            below = field.message_type
            if below is not None and below.full_name not in found:
                found[below.full_name] = below
                waiting.append(below)
    return found


def requires(message: Descriptor) -> bool:
    """Whether a message, or one that it can hold, has fields that must be set."""
    return any(
        field.is_required for each in reachable(message).values() for field in fields_of(each)
    )


def fields_of(message: Descriptor) -> Iterator[FieldDescriptor]:
    """The fields of a message, and those that extensions in its pool add."""
    yield from message.fields
    if message.is_extendable:
        extensions: Iterable[FieldDescriptor] = message.file.pool.FindAllExtensions(message)
        yield from extensions

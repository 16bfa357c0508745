"""A mapping of which changed copies share all but what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Any, Final, Generic, TypeVar

from typing_extensions import override

K = TypeVar("K")
V = TypeVar("V")

_BUCKETS: Final = 1024


class _Values(ValuesView[V]):
    """The values, without looking each up by its key."""

    def __init__(self, of: SharedMap[Any, V]) -> None:
        super().__init__(of)
        self._of = of

    @override
    def __iter__(self) -> Iterator[V]:
        for bucket in self._of.buckets():
            yield from bucket.values()


class SharedMap(Mapping[K, V], Generic[K, V]):
    """In buckets: a copy of 100,000 keys with one more copies a thousandth of them."""

    __slots__ = ("_buckets", "_size")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[K, V]] = {}
        self._size = 0

    @override
    def __getitem__(self, key: K) -> V:
        return self._buckets[hash(key) % _BUCKETS][key]

    def find(self, key: K) -> V | None:
        """The value of a key, or None."""
        bucket = self._buckets.get(hash(key) % _BUCKETS)
        return None if bucket is None else bucket.get(key)

    @override
    def __iter__(self) -> Iterator[K]:
        for bucket in self._buckets.values():
            yield from bucket

    def buckets(self) -> Iterable[Mapping[K, V]]:
        """The parts that it is made of."""
        return self._buckets.values()

    @override
    def __len__(self) -> int:
        return self._size

    @override
    def __contains__(self, key: object) -> bool:
        return key in self._buckets.get(hash(key) % _BUCKETS, ())

    @override
    def values(self) -> ValuesView[V]:
        return _Values(self)

    def changed(self, changes: Mapping[K, V | None]) -> SharedMap[K, V]:
        """A copy in which `changes` hold; None drops a key."""
        result: SharedMap[K, V] = SharedMap()
        buckets = result._buckets = dict(self._buckets)
        size = self._size
        copied: set[int] = set()
        for key, value in changes.items():
            number = hash(key) % _BUCKETS
            if number not in copied:
                copied.add(number)
                buckets[number] = dict(buckets.get(number, ()))
            bucket = buckets[number]
            size -= len(bucket)
            if value is None:
                bucket.pop(key, None)
            else:
                bucket[key] = value
            size += len(bucket)
        result._size = size
        return result

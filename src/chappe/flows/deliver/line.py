"""What waits for one sink: in any order, or the events of each key one after the other.

A job is *queued* until it is taken, and *out* until it is done, put back or due again; while one of a
key is out, nothing of that key is taken. Both lines have the same methods; `ready` is empty where
nothing can be taken.

    Keyed    K: [e1 out, waits for its retry][e4][e9]     ready: L, M, and events without a key
             L: [e2][e3]
             M: [e5]
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.domain.lane import Open, Place


class OpenLane(Protocol):
    """The lane that a job belongs to, as its shard keeps it."""

    @property
    def channel(self) -> Channel: ...
    @property
    def shard(self) -> int: ...
    @property
    def failing_ms(self) -> int | None:
        """Since when the sink has taken nothing, as an earlier owner knew it too."""
        ...

    @property
    def dead_ms(self) -> int | None:
        """Since when the sink's breaker has been open."""
        ...

    def key_of(self, place: Place) -> int | None:
        """The key that the event was marked with."""
        ...

    def mark(self, place: Place, key: int) -> None: ...
    def start(self, place: Place) -> Open | None:
        """The event's turn has come; None if it is no longer this node's to deliver."""
        ...

    def find(self, place: Place) -> Open | None:
        """The open event; None if it is settled, or no longer this node's to deliver."""
        ...

    def hold(self, place: Place, *, due_ms: int) -> None:
        """It waits until then, without that a try has ended."""
        ...

    def settle(self, place: Place) -> None: ...
    def fail(self, place: Place, *, due_ms: int, first_ms: int) -> None: ...
    def trouble(self, failing_ms: int | None, dead_ms: int | None) -> None: ...
    def forgive(self, dead_for_ms: int) -> None: ...


class Job(Struct):
    """One open event of one lane; without `event` it is read again from the log.

    `key` is the number of what it must wait behind, None where it waits behind nothing. `accepted_ms`
    is when the event was committed (Unix ms), 0 where that is not known yet.
    (A Struct and no dataclass, as Event: one is made for every delivery.)
    """

    lane: OpenLane
    place: Place
    event: Event | None
    key: int | None = None
    accepted_ms: int = 0


Fits = Callable[[Job], bool]
"""Whether one more job belongs to what is being taken."""


class Fifo:
    """No order is promised: first come, first served."""

    __slots__ = ("ready",)

    def __init__(self) -> None:
        self.ready: deque[Job] = deque()

    @property
    def count(self) -> int:
        """How many jobs could be taken."""
        return len(self.ready)

    def put(self, job: Job, *, waits: bool = False) -> bool:
        """Queue a job; with `waits` it is out until it is due. Whether it is out."""
        if not waits:
            self.ready.append(job)
        return waits

    def again(self, job: Job) -> None:
        """A job that is out is due."""
        self.ready.append(job)

    put_back = again

    def pop(self) -> Job | None:
        """Take the next."""
        return self.ready.popleft() if self.ready else None

    def pop_while(self, fits: Fits) -> list[Job]:
        """Take as many as fit."""
        taken: list[Job] = []
        while self.ready and fits(self.ready[0]):
            taken.append(self.ready.popleft())
        return taken

    def done(self, job: Job) -> None:
        """A job that is out has its end."""

    def queued(self) -> Sequence[Job]:
        """All that are not out."""
        return tuple(self.ready)

    def clear(self) -> None:
        """Forget all."""
        self.ready.clear()


class _Key:
    """The jobs of one key, in the log's order; the first `out` of them are out."""

    __slots__ = ("jobs", "out", "queued")

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.out = 0
        self.queued = False


class Keyed:
    """Of each key one after the other; jobs without a key in any order."""

    __slots__ = ("_keys", "count", "ready")

    def __init__(self) -> None:
        self._keys: dict[int, _Key] = {}
        self.ready: deque[_Key | Job] = deque()
        self.count = 0

    def put(self, job: Job, *, waits: bool = False) -> bool:
        """Queue a job; with `waits` it is out until it is due, unless it stands behind others.

        Whether it is out. It is put where it belongs by its place, whenever it comes.
        """
        if job.key is None:
            if not waits:
                self._ready(job)
            return waits
        key = self._keys.get(job.key)
        if key is None:
            key = self._keys[job.key] = _Key()
        at = bisect_left(key.jobs, job.place, lo=key.out, key=_place)
        key.jobs.insert(at, job)
        if waits and at == key.out and not key.queued:
            key.out += 1
            return True
        if key.queued:
            self.count += 1
        else:
            self._queue(key)
        return False

    def again(self, job: Job) -> None:
        """A job that is out is due, or put back."""
        key = self._out(job)
        if key is None:
            self.put(job)
            return
        key.out -= 1
        self._queue(key)

    put_back = again

    def pop(self) -> Job | None:
        """Take the next."""
        taken = self.pop_while(_One())
        return taken[0] if taken else None

    def pop_while(self, fits: Fits) -> list[Job]:
        """Take as many as fit, those of one key together and in order."""
        taken: list[Job] = []
        while self.ready:
            first = self.ready[0]
            if isinstance(first, Job):
                if not fits(first):
                    break
                self.ready.popleft()
                self.count -= 1
                taken.append(first)
                continue
            if not fits(first.jobs[0]):
                break
            self.ready.popleft()
            first.queued = False
            self.count -= len(first.jobs)
            taken.append(first.jobs[0])
            first.out = 1
            for job in first.jobs[1:]:
                if not fits(job):
                    return taken
                taken.append(job)
                first.out += 1
        return taken

    def done(self, job: Job) -> None:
        """A job that is out has its end: the next of its key may go."""
        key = self._out(job)
        if key is None:
            return
        if key.jobs[0] is job:
            del key.jobs[0]
        else:
            key.jobs.remove(job)
        key.out -= 1
        if key.jobs:
            self._queue(key)
        else:
            assert job.key is not None
            del self._keys[job.key]

    def queued(self) -> Sequence[Job]:
        """All that are not out, those of a key in order."""
        unkeyed = [job for job in self.ready if isinstance(job, Job)]
        return [*unkeyed, *(job for key in self._keys.values() for job in key.jobs[key.out :])]

    def clear(self) -> None:
        """Forget all."""
        self._keys.clear()
        self.ready.clear()
        self.count = 0

    def _ready(self, job: Job) -> None:
        self.ready.append(job)
        self.count += 1

    def _queue(self, key: _Key) -> None:
        if not key.out and not key.queued and key.jobs:
            key.queued = True
            self.ready.append(key)
            self.count += len(key.jobs)

    def _out(self, job: Job) -> _Key | None:
        """The key of a job that is out; None if this line did not let it out."""
        key = None if job.key is None else self._keys.get(job.key)
        if key is None or not any(one is job for one in key.jobs[: key.out]):
            return None
        return key


Line = Fifo | Keyed


def in_order(jobs: Iterable[Job]) -> Sequence[Job]:
    """Jobs as their lanes took them."""
    return sorted(jobs, key=lambda job: (job.lane.shard, job.place))


def _place(job: Job) -> Place:
    return job.place


class _One:
    """Lets one job fit."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = True

    def __call__(self, job: Job) -> bool:
        left, self._left = self._left, False
        return left

"""How fast a sink is asked: how many at once (slow start), how many a second (token bucket). Pure."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_WINDOW = 4
"""Attempts at once to a sink that nothing is known of: after the start of a node. After an outage it is
one, because there is a backlog behind it."""


@dataclass(slots=True)
class Window:
    """How many attempts may be under way: each success lets one more through, up to `limit`.

    So it doubles with every round: 1, 2, 4, … A sink that says that it is overloaded (429, 503) halves
    it.
    """

    limit: int
    size: int = FIRST_WINDOW

    def __post_init__(self) -> None:
        self.size = min(self.size, self.limit)

    def grew(self) -> bool:
        """One attempt succeeded; whether there is room for more from now on."""
        if self.size >= self.limit:
            return False
        self.size += 1
        return True

    def halve(self) -> None:
        """The sink asks for less."""
        self.size = max(1, self.size // 2)

    def restart(self) -> None:
        """Begin again with one."""
        self.size = 1


@dataclass(slots=True)
class TokenBucket:
    """`per_second` on average, `burst` at once."""

    per_second: float
    burst: float
    tokens: float
    at_s: float

    @classmethod
    def full(cls, per_second: float, burst: float, now_s: float) -> TokenBucket:
        """A bucket that nobody has taken from."""
        burst = max(burst, 1.0)
        return cls(per_second, burst, burst, now_s)

    def take(self, now_s: float) -> float:
        """Take a token, 0.0; or the seconds until there is one, and none is taken."""
        self.tokens = min(self.burst, self.tokens + (now_s - self.at_s) * self.per_second)
        self.at_s = now_s
        if self.tokens >= 1.0 - 1e-9:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) / self.per_second

    def change(self, per_second: float, burst: float, now_s: float) -> None:
        """Another rate from now on."""
        self.tokens = min(self.burst, self.tokens + (now_s - self.at_s) * self.per_second)
        self.at_s = now_s
        self.per_second, self.burst = per_second, max(burst, 1.0)
        self.tokens = min(self.tokens, self.burst)

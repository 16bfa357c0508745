"""The flags of a request (core/spec.md "Request Flags"), read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter expression; `path` in dot notation, parted; `value` None stands for `null`.

    `operator` is one of "" (present), "=", "!=", "<", "<=", ">", ">=". A part of the path is a name,
    an index (int) of an array, or "*" for any.
    """

    path: Sequence[str | int]
    operator: str = ""
    value: str | None = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """`?sort=labels.stage=desc`."""

    path: Sequence[str | int]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Inline:
    """What is inlined below one place: by name, each with what is inlined below it in turn."""

    everything: bool = False
    below: Mapping[str, Inline] = field(default_factory=dict)

    def of(self, name: str) -> Inline | None:
        """What is inlined in the attribute `name`; None when it is not inlined itself."""
        if self.everything:
            return self
        return self.below.get(name)


NOTHING = Inline()


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags ask for; those that the registry's capabilities do not list are not here.

    `filters` are OR'd, the conditions of one AND'd; `exclude_all` is `?filter=excludeall`.
    `ignore` holds names of the `ignores` capability. `inline` is relative to the request's path.
    """

    binary: bool = False
    collections: bool = False
    doc: bool = False
    epoch: int | None = None
    filters: Sequence[Sequence[Condition]] = ()
    exclude_all: bool = False
    ignore: frozenset[str] = frozenset()
    inline: Inline = NOTHING
    setdefaultversionid: str | None = None
    sort: Sort | None = None
    limit: int | None = None
    cursor: str = ""

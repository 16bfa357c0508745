"""Which of several representations a request wants: the header Accept (RFC 9110 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chappe.domain.errors import NotAcceptable
from chappe.http.exchange import Header


@dataclass(frozen=True, slots=True)
class _Range:
    """One element of Accept: `text/*;q=0.5`."""

    type: str
    subtype: str
    weight: float

    def fit(self, media_type: str) -> int:
        """How exactly the range names the type: 3 it, 2 its first part, 1 anything, 0 not at all."""
        type_, _, subtype = media_type.partition("/")
        if self.type == "*":
            return 1 if self.subtype == "*" else 0
        if self.type != type_:
            return 0
        return 2 if self.subtype == "*" else 3 if self.subtype == subtype else 0


def negotiate(
    headers: Sequence[Header], offers: Sequence[str], *, default: str, also: Mapping[str, str]
) -> str:
    """The offer that the request's Accept weighs the most; `default` where it has none.

    Of offers that weigh the same, those that are named most exactly go first; of these the default
    under a wildcard, else the first of `offers`.

    Args:
        headers: of the request.
        offers: media types in lower case, the preferred first.
        default: one of them.
        also: other names, each for an offer that is meant by it.

    Raises:
        NotAcceptable: none of them may be sent.
    """
    sent = [value for name, value in headers if name == b"accept"]
    ranges = _ranges(b",".join(sent).decode("latin-1"))
    if not ranges:
        return default
    names = {offer: [offer] for offer in offers}
    for name, offer in also.items():
        names[offer].append(name)
    ranks = {
        offer: max(_rank(ranges, name, is_default=offer == default) for name in called)
        for offer, called in names.items()
    }
    best = max(offers, key=lambda offer: ranks[offer])
    if ranks[best].weight > 0:
        return best
    if ranks[default].fit == 0 and not any(one.weight for one in ranges):
        return default  # Accept only tells what is not wanted
    raise NotAcceptable(
        f"Accept: {b', '.join(sent).decode('latin-1')!r} takes none of {', '.join(offers)}",
        media_types=list(offers),
    )


class _Rank(NamedTuple):
    weight: float
    fit: int
    is_meant: bool
    """Whether it is the default, and a wildcard speaks of it."""


def _rank(ranges: Sequence[_Range], media_type: str, *, is_default: bool) -> _Rank:
    fit, weight = max(
        ((one.fit(media_type), one.weight) for one in ranges), key=lambda pair: pair[0]
    )
    return _Rank(weight if fit else 0.0, fit, is_default and fit < 3)


def _ranges(accept: str) -> list[_Range]:
    found: list[_Range] = []
    for element in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in element.split(";"))
        type_, slash, subtype = media_range.partition("/")
        if slash:
            found.append(_Range(type_, subtype, _weight(parameters)))
    return found


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0

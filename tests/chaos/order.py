"""Was the order of a key kept? What that means, exactly.

For a subscription with `ordering`, the events that it wants of one key stand in the log as e1, e2, … (where
an event was stored twice, its first copy counts: the second is recognised and not delivered). The sink
*settles* an event when it answers it 2xx or refuses it for good. Then:

    e(k) is settled for the first time only after each of e(1) … e(k-1) was settled for the first time.

So an event may come again, after a kill even a whole run of them (1 2 3 2 3 4), but nothing ever passes a
predecessor that has not been settled. With `ordering: subscription` all events are of one key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.chaos.ledger import Sent, Tally

SUBJECT: Callable[[Sent], str] = lambda event: event.subject  # noqa: E731
ALL: Callable[[Sent], str] = lambda event: ""  # noqa: E731


def broken_order(
    name: str,
    tally: Tally,
    stored: Sequence[str],
    events: Mapping[str, Sent],
    key: Callable[[Sent], str],
) -> list[str]:
    """What passed a predecessor; `stored` are the ids as they stand in the log."""
    first = {id_: place for place, id_ in enumerate(tally.order)}
    latest: dict[str, tuple[int, str]] = {}
    problems = []
    for id_ in stored:
        event = events.get(id_)
        if event is None or event.number < tally.since or id_ not in first:
            continue  # what never came is told by `missing`
        place, of = first[id_], key(event)
        before, whom = latest.get(of, (-1, ""))
        if place < before:
            problems.append(f"{name}: {id_} (key {of!r}) was settled before {whom}")
        else:
            latest[of] = (place, id_)
    return problems

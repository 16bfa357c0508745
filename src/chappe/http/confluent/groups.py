"""Which schema groups a request to the Schema Registry API is about: contexts are groups.

/subjects/:.shop:orders-value/versions   schemagroups/shop
/schemas/ids/7                           the group of the context where 7 was found
/contexts                                none: the whole hub
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.domain.access import Group
from chappe.formats.confluent.index import SCHEMAGROUPS, Index
from chappe.formats.confluent.looking import find_id
from chappe.formats.confluent.names import ANY, GLOBAL, Name, group_ids, parse_name
from chappe.formats.confluent.scope import alias_of
from chappe.http.confluent.asked import Asked

_EVERY: Final = frozenset({ANY, GLOBAL})


def groups_of(index: Index, asked: Asked) -> Sequence[Group]:
    """The groups of a request, each of which the caller needs the right for; none: the whole hub."""
    if asked.segments[:2] == ["schemas", "ids"]:
        return _of_id(index, asked)
    if not asked.params.get("subject"):
        return ()
    name = parse_name(asked.params["subject"])
    # What an alias stands for may be in another context.
    names = (name, alias_of(index, name))
    if any(one.context in _EVERY for one in names):
        return ()
    return tuple(dict.fromkeys(_group(index, one) for one in names))


def _of_id(index: Index, asked: Asked) -> Sequence[Group]:
    text = asked.params.get("id", "")
    if not text.isdigit() or len(text) > 9:
        return ()
    sent = asked.text("subject")
    scope = alias_of(index, parse_name(sent)) if sent else None
    found = find_id(index, int(text), scope)
    return (_group(index, found[0].name),) if found else ()


def _group(index: Index, name: Name) -> Group:
    context = index.context(name.context)
    return Group(SCHEMAGROUPS, group_ids(name.context)[0] if context is None else context.gid)

"""A hub's stored model, brought to what a newer version of the hub needs.

A registry keeps the model that it began with. A version of the hub that has more to say (a type of
resource, an attribute, a value of an enum) adds just that; what others wrote stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HUBS: Final = "channels"
"""The type of group that only a model of the hub's has."""


def widened(source: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """The model source with what it lacks of `ours`; as it is where it is no hub's.

    Objects are merged at every level, and values are added to an enum; any other value that is
    there stays, so a model that someone has narrowed by hand only gains what it has no word of.
    """
    groups = source.get("groups")
    if not isinstance(groups, Mapping) or HUBS not in groups:
        return dict(source)
    return _merged(source, ours)


def _merged(present: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(present)
    for name, value in ours.items():
        there = result.get(name)
        if name not in result:
            result[name] = value
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            result[name] = _merged(there, value)
        elif name == "enum" and isinstance(there, list) and isinstance(value, list):
            result[name] = there + [one for one in value if one not in there]
    return result

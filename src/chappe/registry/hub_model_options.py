"""The attributes that `domain/options` describes, as definitions of the registry's model.

max_events: Annotated[int, Meta(ge=1, description="Events in one request")]
-> {"type": "uinteger", "description": "Events in one request"}
"""

from __future__ import annotations

from typing import Final

from msgspec import inspect

from chappe.domain.options import (
    AmqpSettings,
    KafkaSettings,
    MqttSettings,
    NatsSettings,
    Option,
    Options,
    PullSettings,
    bare,
    described,
    is_secret,
)
from chappe.domain.source import SETTINGS_OF, SourceOptions
from chappe.registry.hub_model_notation import (
    Definition,
    Definitions,
    attribute,
    count,
    flag,
    group_of,
    list_of,
    number,
    text,
    whole,
)


def _definitions(kind: type[Option]) -> Definitions:
    return _of_fields(described(kind))


def _of_fields(info: inspect.StructType) -> Definitions:
    return {field.name: _definition(field.type) for field in info.fields}


def _definition(type_: inspect.Type) -> Definition:
    inner, said, _ = bare(type_)
    description = f"{said}; only written" if is_secret(type_) else said
    match inner:
        case inspect.StructType():
            return group_of(description, _of_fields(inner))
        case inspect.IntType(ge=least):
            return count(description) if least is not None else whole(description)
        case inspect.FloatType():
            return number(description)
        case inspect.BoolType():
            return flag(description)
        case inspect.LiteralType(values=values):
            if isinstance(values[0], int):
                return count(description)
            return text(description, enum=list(values))
        case inspect.VarTupleType():
            return list_of(description, "string")
        case inspect.DictType():
            # Keys that are not ours to choose: those of a map cannot have capitals.
            return attribute("any", description)
        case _:
            return text(description)


OPTIONS: Final = _definitions(Options)
"""The extension fields of a subscription."""

SETTINGS: Final[Definitions] = {
    **_definitions(KafkaSettings),
    **_definitions(NatsSettings),
    **_definitions(MqttSettings),
    **_definitions(AmqpSettings),
    **_definitions(PullSettings),
}
"""The settings of every protocol but HTTP."""

SOURCE_OPTIONS: Final = _definitions(SourceOptions)
"""The fields of a source that are settings alone."""

SOURCE_SETTINGS: Final[Definitions] = {
    name: definition
    for kind in dict.fromkeys(SETTINGS_OF.values())
    for name, definition in _definitions(kind).items()
}
"""The settings of every protocol of sources."""

"""Settings that `domain/options` describes, in JSON: read by their description, rendered, parted.

{"rate": {"per_second": 0}}  ->  Malformed("rate/per_second: 0 is no number from 0.001 to 100000")
{"rate": {"per_second": 5}}  ->  Options(rate=Rate(per_second=5.0))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from chappe.domain.errors import Malformed
from chappe.domain.options import Option, bare, described, is_secret
from chappe.formats.fields import Fields, kind_of, shortened

MOST_ITEMS: Final = 1_000

T = TypeVar("T", bound=Option)


def read_option(kind: type[T], document: object, path: str) -> T:
    """The settings of one kind; what is absent, or null where that is possible, has its default.

    Raises:
        Malformed: a setting breaks its rule; the message begins with its path.
    """
    return msgspec.convert(_struct(described(kind), document, path), kind)


def rendered_option(option: Option) -> dict[str, Any]:
    """The settings as JSON values, without those that have their default, and without secrets."""
    shown: dict[str, Any] = {}
    for field in described(type(option)).fields:
        value = getattr(option, field.name)
        if is_secret(field.type) or (not field.required and value == _default(field)):
            continue
        if isinstance(value, Option):
            shown[field.name] = rendered_option(value)
        else:
            shown[field.name] = _plain(value)
    return shown


def secrets_of(option: Option, path: str = "") -> dict[str, Any]:
    """The secrets within, by path: {"signing/secrets": ["whsec_…"]}."""
    found: dict[str, Any] = {}
    for field in described(type(option)).fields:
        value = getattr(option, field.name)
        at = f"{path}{field.name}"
        if isinstance(value, Option):
            found |= secrets_of(value, f"{at}/")
        elif is_secret(field.type) and value:
            found[at] = msgspec.to_builtins(value)
    return found


def secret_paths(option: Option, path: str = "") -> list[str]:
    """The paths of all secrets that the groups which are there may have, given or not."""
    found: list[str] = []
    for field in described(type(option)).fields:
        value = getattr(option, field.name)
        if isinstance(value, Option):
            found += secret_paths(value, f"{path}{field.name}/")
        elif is_secret(field.type):
            found.append(f"{path}{field.name}")
    return found


def with_secrets(option: T, secrets: Mapping[str, Any], path: str = "") -> T:
    """The settings with these secrets in them, where the group that they belong to is there."""
    changed: dict[str, Any] = {}
    for field in described(type(option)).fields:
        value = getattr(option, field.name)
        at = f"{path}{field.name}"
        if isinstance(value, Option):
            changed[field.name] = with_secrets(value, secrets, f"{at}/")
        elif is_secret(field.type) and at in secrets and not value:
            kept = secrets[at]
            changed[field.name] = tuple(kept) if isinstance(kept, list) else kept
    return msgspec.structs.replace(option, **changed) if changed else option


def _struct(info: inspect.StructType, document: object, path: str) -> dict[str, Any]:
    known = {field.name: field for field in info.fields}
    fields = Fields(document, path, known=frozenset(known))
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in fields:
            if field.required:
                raise Malformed(f"{fields.path(name)}: is missing and is required")
            continue
        type_, _, nullable = bare(field.type)
        value = fields.raw(name)
        if value is None and nullable:
            continue
        secret = is_secret(field.type)
        values[name] = _value(type_, value, fields.path(name), fields, name, secret=secret)
    return values


def _value(
    type_: inspect.Type, value: object, at: str, fields: Fields, name: str, *, secret: bool
) -> Any:
    shown = kind_of(value) if secret else shortened(value)
    match type_:
        case inspect.StructType():
            return _struct(type_, value, at)
        case inspect.IntType(ge=least, le=most):
            low = least if least is not None else -(2**31)
            return fields.whole(name, 0, least=low, most=most if most is not None else 2**31 - 1)
        case inspect.FloatType(ge=least_f, le=most_f):
            assert least_f is not None
            assert most_f is not None
            return fields.number(name, 0.0, least=least_f, most=most_f)
        case inspect.BoolType():
            if not isinstance(value, bool):
                raise Malformed(f"{at}: {shown} was sent, true or false is needed")
            return value
        case inspect.LiteralType(values=allowed):
            if isinstance(value, bool) or value not in allowed:
                known = ", ".join(str(one) for one in allowed)
                raise Malformed(f"{at}: {shown} is none of {known}")
            return value
        case inspect.StrType():
            return _text(type_, value, at, secret=secret)
        case inspect.VarTupleType(item_type=item, min_length=fewest, max_length=most_items):
            if not isinstance(value, list):
                raise Malformed(f"{at}: {shown} was sent, an array is needed")
            upper = most_items or MOST_ITEMS
            if not (fewest or 0) <= len(value) <= upper:
                raise Malformed(f"{at}: {len(value)} items; {fewest or 0} to {upper} are possible")
            inner = bare(item)[0]
            assert isinstance(inner, inspect.StrType)
            return [
                _text(inner, one, f"{at}/{index}", secret=secret) for index, one in enumerate(value)
            ]
        case inspect.DictType(value_type=of):
            return _map(of, fields.object_of_any(name), at)
        case _:
            raise AssertionError(f"{at}: no reader for {type_}")


def _map(of: inspect.Type, members: Mapping[str, object], at: str) -> dict[str, Any]:
    if len(members) > MOST_ITEMS:
        raise Malformed(f"{at}: {len(members)} members; at most {MOST_ITEMS} are possible")
    match of:
        case inspect.AnyType():
            kinds: tuple[type, ...] = (object,)
            needed = "a value"
        case inspect.StrType():
            kinds, needed = (str,), "a string"
        case _:
            kinds, needed = (str, int, bool), "a string, a whole number or a boolean"
    for key, one in members.items():
        if not isinstance(one, kinds):
            raise Malformed(f"{at}/{key}: {kind_of(one)} was sent, {needed} is needed")
    return dict(members)


def _text(type_: inspect.StrType, value: object, at: str, *, secret: bool) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{at}: {kind_of(value)} was sent, a string is needed")
    shown = "the value" if secret else shortened(value)
    if len(value) < max(type_.min_length or 0, 1):
        raise Malformed(f"{at}: the string is empty")
    if type_.max_length is not None and len(value) > type_.max_length:
        raise Malformed(f"{at}: {len(value)} characters; at most {type_.max_length} are possible")
    if type_.pattern is not None and not re.fullmatch(type_.pattern, value):
        raise Malformed(f"{at}: {shown} does not fit {type_.pattern}")
    return value


def _default(field: inspect.Field) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def _plain(value: Any) -> Any:
    """30.0 -> 30: a whole number is sent back as one."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value

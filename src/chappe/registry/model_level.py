"""The attributes of one level, ready to check: built once from an AttributeSet (see validation)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from chappe.registry.model import SCALARS, Attribute, AttributeSet, Model
from chappe.registry.model_references import matches, xid_type, xidtype
from chappe.registry.values import (
    CHECKS,
    KEY,
    LIMIT_BYTES,
    NAME,
    Fault,
    dotted,
    free,
    same,
    text_of,
)

Check: TypeAlias = Callable[[Any, Model, Any], Any]
"""(value, model, what was stored before or None) -> what is stored; raises Fault."""

FILLED_IN: Final = frozenset({"epoch", "createdat", "modifiedat", "ancestorid", "defaultversionid"})
"""Required names whose values the writer supplies."""

# core/spec.md "Common Attributes", "`format` Attribute"
_NON_EMPTY = frozenset({"name", "documentation", "icon", "format"})
_EMPTY: Final[Mapping[str, Any]] = {}


class Missing(Exception):
    """`names` are missing from one level, `path` the steps to it from the inside out."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self.path: list[str | int] = []

    @property
    def names(self) -> list[str]:
        return [dotted([*reversed(self.path), name]) for name in self._names]


class Unknown(Exception):
    """`names` are those of one level, `path` the steps to it from the inside out."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.path: list[str | int] = [names[0]]

    @property
    def name(self) -> str:
        return dotted(reversed(self.path))


class Level:
    """An attribute set, ready to check: by name, a function."""

    __slots__ = (
        "_by_name", "_charset", "_dropped", "_joined", "_name", "_others", "_readonly",
        "_reserved", "_wild", "checks", "defaults", "required", "selectors",
    )  # fmt: skip

    def __init__(self, definitions: AttributeSet) -> None:
        # Not `definitions` itself: a weak key that its own value refers to would live for ever.
        self._by_name = definitions.by_name
        self._wild = definitions.others
        self._charset = definitions.namecharset
        self._name = KEY if definitions.namecharset == "extended" else NAME
        self._reserved = definitions.reserved
        self._others = None if definitions.others is None else _check(definitions.others)
        self._joined: dict[int, Level] = {}
        self._dropped: set[str] = set()
        self._readonly: dict[str, Check] = {}
        self.checks: dict[str, Check] = {}
        self.required: set[str] = set()
        self.defaults: list[tuple[str, Any]] = []
        self.selectors: list[Attribute] = []
        for name, attribute in definitions.by_name.items():
            self._add(name, attribute)

    def _add(self, name: str, attribute: Attribute) -> None:
        if attribute.computed:
            self._dropped.add(name)
            return
        if attribute.spec and name == "epoch":
            self.checks[name] = _epoch
        elif attribute.readonly:
            self._dropped.add(name)
            self._readonly[name] = _check(attribute)
        else:
            self.checks[name] = _check(attribute)
        if attribute.default is not None:
            self.defaults.append((name, attribute.default))
        elif attribute.required and not (attribute.spec and name in FILLED_IN):
            self.required.add(name)
        if attribute.ifvalues:
            self.selectors.append(attribute)

    def conform(
        self, attributes: Mapping[str, Any], model: Model, present: Any, *, partial: bool = False
    ) -> dict[str, Any]:
        if not isinstance(present, dict):
            present = dict(present) if isinstance(present, Mapping) else _EMPTY
        level = self if not self.selectors else self._active(attributes, model, present, partial)
        result: dict[str, Any] = {}
        extra: list[str] | None = None
        checks = level.checks
        name = ""
        try:
            for name, value in attributes.items():
                check = checks.get(name)
                if check is not None:
                    if value is not None:
                        kept = check(value, model, present.get(name))
                        if kept is not None:
                            result[name] = kept
                elif name in level._dropped:
                    pass
                elif name[:1] == ".":
                    if value is not None:
                        result[name] = value
                elif value is not None:
                    if extra is None:
                        extra = []
                    extra.append(name)
            for name, check in level._readonly.items():
                if (value := present.get(name)) is not None:
                    result[name] = check(value, model, value)
        except (Fault, Unknown, Missing) as error:
            error.path.append(name)
            raise
        if not partial:
            for name, default in level.defaults:
                if name not in result:
                    result[name] = default
            if not level.required <= result.keys():
                raise Missing(sorted(level.required - result.keys()))
        if extra is not None:
            level._extend(result, extra, attributes, model, present)
        return result

    def _extend(
        self,
        result: dict[str, Any],
        extra: list[str],
        attributes: Mapping[str, Any],
        model: Model,
        present: Mapping[str, Any],
    ) -> None:
        """Take what only "*" allows."""
        if self._others is None:
            raise Unknown(sorted(extra))
        for name in sorted(extra):
            if name in self._reserved:
                raise Fault(f"Versions can't define an extension called: {name}", name)
            if not self._name.fullmatch(name):
                rule = _NAME_RULE if self._name is NAME else _KEY_RULE
                raise Fault(f"{name!r} is no valid attribute name ({rule})", name)
            try:
                result[name] = self._others(attributes[name], model, present.get(name))
            except (Fault, Unknown, Missing) as error:
                error.path.append(name)
                raise

    def _active(
        self,
        attributes: Mapping[str, Any],
        model: Model,
        present: Mapping[str, Any],
        partial: bool,
    ) -> Level:
        """This level with the siblings that the present values of its selectors bring in.

        A selector's value decides once; siblings may bring selectors of their own.
        """
        level = self
        waiting = list(self.selectors)
        while waiting:
            selector = waiting.pop(0)
            source = present if selector.readonly else attributes
            value = source.get(selector.name)
            if value is None and not partial:
                value = selector.default
            if value is None or isinstance(value, (dict, list)):
                continue
            siblings = selector.ifvalues.get(text_of(value).lower())
            if siblings is None:
                continue
            level = level._with(siblings, selector.name, value)
            waiting += level_of(siblings).selectors
        return level

    def _with(self, siblings: AttributeSet, selector: str, value: Any) -> Level:
        joined = self._joined.get(id(siblings))
        if joined is None:
            for name in siblings.by_name:
                if name in self._by_name:
                    raise Fault(
                        f'has an "ifvalues" ({text_of(value)}) that defines a conflicting '
                        f"siblingattribute: {name}",
                        selector,
                    )
            if siblings.others is not None and self._wild is not None:
                raise Fault(
                    f'has an "ifvalues" ({text_of(value)}) that defines a conflicting '
                    "siblingattribute: *",
                    selector,
                )
            joined = Level(
                AttributeSet(
                    by_name={**self._by_name, **siblings.by_name},
                    others=self._wild or siblings.others,
                    namecharset=self._charset,
                    reserved=self._reserved,
                )
            )
            self._joined[id(siblings)] = joined
        return joined


_LEVELS: WeakKeyDictionary[AttributeSet, Level] = WeakKeyDictionary()


def level_of(definitions: AttributeSet) -> Level:
    level = _LEVELS.get(definitions)
    if level is None:
        level = _LEVELS[definitions] = Level(definitions)
    return level


_NAME_RULE = "1 to 63 of a-z, 0-9 and '_', the first no digit"
_KEY_RULE = "1 to 63 of a-z, 0-9, ':', '.', '_' and '-', the first a letter or digit"


# Checks of one attribute


def _check(attribute: Attribute) -> Check:
    match attribute.type:
        case "any":
            return lambda value, model, before: free(value)
        case "object":
            return _object(attribute)
        case "map":
            return _map(attribute)
        case "array":
            return _array(attribute)
        case _:
            return _scalar(attribute)


def _epoch(value: Any, model: Model, before: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else before


def _scalar(attribute: Attribute) -> Check:
    check = CHECKS[attribute.type]
    limit = LIMIT_BYTES - len(attribute.name.encode())
    short = limit // 4  # characters that are sure to fit
    enum = tuple(attribute.enum) if attribute.strict else ()
    folded = {one.casefold() for one in enum if isinstance(one, str)}
    plain = attribute.type == "string" and not enum
    non_empty = attribute.spec and attribute.name in _NON_EMPTY
    refers = attribute.type in ("xid", "xidtype") or bool(attribute.target)

    def scalar(value: Any, model: Model, before: Any) -> Any:
        kept = check(value)
        if not isinstance(kept, str):
            if not isinstance(kept, bool) and _digits(kept) > limit:
                raise Fault(f"is too long, name and value must not exceed {LIMIT_BYTES} bytes")
        elif len(kept) > short and len(kept.encode("utf-8", "surrogatepass")) > limit:
            raise Fault(f"is too long, name and value must not exceed {LIMIT_BYTES} bytes")
        if refers:
            _refer(kept, attribute, model)
        if enum and (
            kept.casefold() not in folded
            if isinstance(kept, str)
            else not any(same(kept, one) for one in enum)
        ):
            shown = ", ".join(text_of(one) for one in enum)
            raise Fault(f"value ({text_of(kept)}) must be one of the enum values: {shown}")
        if non_empty and not kept:
            raise Fault("must not be empty")
        return kept

    def text(value: Any, model: Model, before: Any) -> Any:
        if not isinstance(value, str):
            raise Fault("must be a string")
        if len(value) > short and len(value.encode("utf-8", "surrogatepass")) > limit:
            raise Fault(f"is too long, name and value must not exceed {LIMIT_BYTES} bytes")
        return value

    return text if plain and not non_empty else scalar


def _digits(value: Any) -> int:
    """About how many characters a number takes; counted, not printed: it may be huge."""
    if isinstance(value, int):
        return value.bit_length() * 1234 // 4096
    return len(value.as_tuple().digits)


def _refer(value: str, attribute: Attribute, model: Model) -> None:
    """Check where a reference leads (core/model.md `target`)."""
    if attribute.type == "xidtype":
        xidtype(value, model)
        return
    if attribute.type != "xid" and not value.startswith("/"):
        return  # an absolute URI, or a relative one that is no path: not constrained
    type = xid_type(value, model)
    if attribute.target and not matches(type, attribute.target):
        raise Fault(f'value ({value}) must match "{attribute.target}" target')


def _object(attribute: Attribute) -> Check:
    definitions = attribute.attributes or AttributeSet(namecharset=attribute.namecharset)
    deprecated = attribute.spec and attribute.name == "deprecated"
    level: list[Level] = []  # compiled at first use: definitions nest deeply, and most stay unused

    def check(value: Any, model: Model, before: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Fault("must be an object")
        if not level:
            level.append(level_of(definitions))
        kept = level[0].conform(value, model, before)
        if deprecated:
            _in_order(kept)
        return kept

    return check


def _in_order(deprecated: Mapping[str, Any]) -> None:
    effective, removal = deprecated.get("effective"), deprecated.get("removal")
    if effective is not None and removal is not None:
        # "Z" would sort after ".5Z".
        if removal.removesuffix("Z") < effective.removesuffix("Z"):
            raise Fault("must not be sooner than deprecated.effective", "removal")


def _item(attribute: Attribute) -> Check:
    """The check of an item; an `enum` of the array or map applies to its items."""
    item = attribute.item
    if item is None:
        return lambda value, model, before: free(value)
    if attribute.enum and item.type in SCALARS:
        item = Attribute(
            name=item.name,
            type=item.type,
            target=item.target,
            enum=attribute.enum,
            strict=attribute.strict,
        )
    return _check(item)


def _map(attribute: Attribute) -> Check:
    check = _item(attribute)

    def checked(value: Any, model: Model, before: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Fault("must be a map")
        past = before if isinstance(before, Mapping) else _EMPTY
        kept: dict[str, Any] = {}
        key = ""
        try:
            for key, one in value.items():
                if KEY.fullmatch(key) is None:
                    raise Fault(f"{key!r} is no valid key ({_KEY_RULE})")
                if one is not None:
                    kept[key] = check(one, model, past.get(key))
        except (Fault, Unknown, Missing) as error:
            error.path.append(key)
            raise
        return kept

    return checked


def _array(attribute: Attribute) -> Check:
    check = _item(attribute)

    def checked(value: Any, model: Model, before: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise Fault("must be an array")
        past = before if isinstance(before, list) else []
        kept: list[Any] = []
        index = 0
        try:
            for index, one in enumerate(value):
                if one is None:
                    raise Fault("must not be null")
                kept.append(check(one, model, past[index] if index < len(past) else None))
        except (Fault, Unknown, Missing) as error:
            error.path.append(index)
            raise
        return kept

    return checked

"""How a text writes what its descriptor has in full: names of types, reserved numbers, options.

The text was compiled before, so this reads on without looking for mistakes. What it cannot tell for
certain it leaves out, and the descriptor is asked.

    package shop; message Order { Money price = 1 [deprecated = true]; reserved 2, 4 to max; }

    types      (".shop.Order", 1) -> "Money"
    reserved   ".shop.Order" -> ["2, 4 to max"]
    options    ".shop.Order.price" -> ["deprecated = true"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from chappe.formats.protobuf_schema.literals import value_text

_SYMBOL: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+-]+|[^\s\w]""", re.S
)
_LABELS: Final = frozenset(("optional", "required", "repeated"))
_LAST: Final = {"default": 1, "json_name": 2}


@dataclass(slots=True)
class Spelling:
    """What a text writes, by the full name of what it belongs to; "" is the file."""

    syntax: bool = False
    types: dict[tuple[str, int], str] = field(default_factory=dict)
    """By message and number; of a map, its values' type."""
    extended: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    """(number of the block, what is extended, type) of each extension, in the order of the text."""
    methods: dict[str, tuple[str, str]] = field(default_factory=dict)
    """(what it takes, what it gives)."""
    reserved: dict[str, list[str]] = field(default_factory=dict)
    extensions: dict[str, list[str]] = field(default_factory=dict)
    """With their options beside them as `options` at "MESSAGE.2 to 4"."""
    options: dict[str, list[str] | None] = field(default_factory=dict)
    """None where a value cannot be told for certain."""


class _Block(NamedTuple):
    """What an opened brace stands for. A oneof's and an extend's fields are those of `scope`."""

    kind: str
    scope: str
    path: str
    extendee: str = ""
    number: int = 0


def spelling_of(text: str, package: str) -> Spelling:
    """Read a text that compiles; its package as the descriptor has it."""
    reader = _Reader(text, f".{package}" if package else "")
    reader.read()
    return reader.found


def as_written(full: str, told: str | None) -> str:
    """The name as the text has it, where it can be that type: (".shop.Money", "Money") -> "Money"."""
    if told and full.endswith(told) and (told == full or full[-len(told) - 1] == "."):
        return told
    return full


class _Reader:
    def __init__(self, text: str, scope: str) -> None:
        self.found = Spelling()
        self._symbols = [one for one in _SYMBOL.findall(text) if one[:2] not in ("//", "/*")]
        self._at = 0
        self._open = [_Block("file", scope, "")]

    def read(self) -> None:
        while self._at < len(self._symbols) and self._open:
            if self._symbols[self._at] == "}":
                self._at += 1
                self._open.pop()
                continue
            statement = self._statement()
            block = self._read(statement, self._open[-1])
            if self._symbols[self._at - 1] == "{":
                self._open.append(block)

    def _statement(self) -> list[str]:
        """The symbols to the next ";", or to the "{" of a block; values' own braces are in them."""
        start, depth, has_value = self._at, 0, False
        while self._at < len(self._symbols):
            symbol = self._symbols[self._at]
            self._at += 1
            if symbol == "=":
                # A group has a number before its block; the value of an option begins with one.
                has_value = has_value or "group" not in self._symbols[start : start + 2]
            elif symbol in ("[", "(") or (symbol == "{" and (depth or has_value)):
                depth += 1
            elif symbol in ("]", ")", "}"):
                depth -= 1
            elif symbol in (";", "{") and not depth:
                return self._symbols[start : self._at - 1]
        return self._symbols[start:]

    def _read(self, statement: Sequence[str], block: _Block) -> _Block:
        """Note what a statement tells; gives the block that it opens, if it does."""
        kind, scope, found = block.kind, block.scope, self.found
        match statement:
            case [("syntax" | "edition"), "=", *_] if kind == "file":
                found.syntax = True
            case ["option", *rest]:
                _add(found.options, block.path, _option(rest))
            case ["reserved", *rest] if kind in ("message", "enum") and "=" not in rest:
                found.reserved.setdefault(block.path, []).append(_listed(rest))
            case ["extensions", *rest] if kind == "message" and "=" not in rest[:2]:
                end = rest.index("[") if "[" in rest else len(rest)
                numbers = _listed(rest[:end])
                found.extensions.setdefault(scope, []).append(numbers)
                found.options.update(_options(f"{scope}.{numbers}", rest[end:]))
            case ["extend", *names] if kind in ("file", "message") and "=" not in names:
                return _Block("extend", scope, scope, "".join(names), self._at)
            case ["oneof", name]:
                return _Block("oneof", scope, f"{scope}.{name}")
            case [*_, ("message" | "enum" | "service") as word, name]:
                return _Block(word, f"{scope}.{name}", f"{scope}.{name}")
            case ["rpc", name, "(", *rest]:
                found.methods[f"{scope}.{name}"] = _method(rest)
                return _Block("method", scope, f"{scope}.{name}")
            case [name, "=", *rest] if kind == "enum":
                found.options.update(_options(f"{scope}.{name}", rest[1:]))
            case _ if "=" in statement[1:]:
                return self._field(statement, block)
            case _:
                pass
        return block

    def _field(self, statement: Sequence[str], block: _Block) -> _Block:
        equals = statement.index("=")
        words, name = list(statement[: equals - 1]), statement[equals - 1]
        if len(words) > 1 and words[0] in _LABELS:
            del words[0]
        scope, group = block.scope, words[:1] == ["group"]
        told = "".join(words[words.index(",") + 1 : -1] if words[:2] == ["map", "<"] else words)
        if block.kind == "extend":
            extension = block.number, block.extendee, told
            self.found.extended.setdefault(scope, []).append(extension)
        elif not group and (number := _number(statement[equals + 1])) is not None:
            self.found.types[scope, number] = told
        own = f"{scope}.{name.lower() if group else name}"
        self.found.options.update(_options(own, statement[equals + 2 :]))
        return _Block("message", f"{scope}.{name}", f"{scope}.{name}")


def _add(values: dict[str, list[str] | None], path: str, value: str | None) -> None:
    """Put a value to those of a path; None makes them all None."""
    told = values.setdefault(path, [])
    if value is None:
        values[path] = None
    elif told is not None:
        told.append(value)


def _options(path: str, symbols: Sequence[str]) -> dict[str, list[str] | None]:
    """The options in brackets: ["[", "packed", "=", "true", "]"] -> {path: ["packed = true"]}."""
    found: dict[str, list[str] | None] = {}
    for one in _split(symbols[1:-1]):
        _add(found, path, _option(one))
    told = found.get(path)
    if told:
        told.sort(key=lambda option: _LAST.get(option.partition(" ")[0], 0))
    return found


def _split(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    start, depth = 0, 0
    for at, symbol in enumerate(symbols):
        depth += (symbol in ("{", "[", "(")) - (symbol in ("}", "]", ")"))
        if symbol == "," and not depth:
            yield symbols[start:at]
            start = at + 1
    if start < len(symbols):
        yield symbols[start:]


def _option(symbols: Sequence[str]) -> str | None:
    """As it is written, in one form: "deprecated = true"; None where the value is not sure."""
    equals = symbols.index("=")
    value = value_text(symbols[equals + 1 :])
    return None if value is None else f"{''.join(symbols[:equals])} = {value}"


def _method(symbols: Sequence[str]) -> tuple[str, str]:
    """["stream", "A", ")", "returns", "(", "B", ")"] -> ("A", "B")."""
    end = symbols.index(")")
    takes, gives = symbols[:end], symbols[end + 3 : -1]
    return _streamed(takes), _streamed(gives)


def _streamed(symbols: Sequence[str]) -> str:
    return "".join(symbols[1:] if len(symbols) > 1 and symbols[0] == "stream" else symbols)


def _listed(symbols: Sequence[str]) -> str:
    """["2", ",", "9", "to", "11"] -> "2, 9 to 11"."""
    told = " ".join(f'"{one[1:-1]}"' if one[0] in "\"'" else one for one in symbols)
    return told.replace(" ,", ",").replace("- ", "-")


def _number(text: str) -> int | None:
    try:
        return int(text, 8 if text[:1] == "0" and text.isdigit() else 0)
    except ValueError:
        return None

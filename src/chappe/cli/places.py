"""Values of a text, and where in it they stand: JSON, JSON values one after another, YAML.

    {"data": {"total": "12"}}      at("/data/total") -> line 1, column 20

Told apart by content: what begins with { or [ is JSON. An array is read as the values in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_ANY_SPACE: Final = re.compile(r"\s*")
_LINE: Final = re.compile(r"line (\d+): ")
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, both from 1; a column is a code point, as SARIF counts by default."""

    line: int
    column: int

    @override
    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Unreadable(Exception):
    """The text is no JSON, or no YAML that JSON can say."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(frozen=True, slots=True)
class Placed:
    """One value of a text: as JSON, and a finder of what is in it."""

    body: bytes
    _find: Callable[[Sequence[str]], Place]

    def at(self, pointer: str) -> Place:
        """Where a JSON Pointer (RFC 6901) leads to; what is not there stands where it would be missed."""
        steps = pointer.split("/")[1:]
        return self._find([one.replace("~1", "/").replace("~0", "~") for one in steps])


def values(text: str, *, yaml: bool = False) -> Iterator[Placed]:
    """The values of a text, those of an array one by one; `yaml`: whatever it begins with.

    Raises:
        Unreadable: from there on it is neither JSON nor YAML; the values before were given.
    """
    start = _skip(_ANY_SPACE, text, 0)
    is_json = not yaml and text[start : start + 1] in ("{", "[", "")
    return _json(text, start) if is_json else _yaml(text)


def _json(text: str, start: int) -> Iterator[Placed]:
    while start < len(text):
        end = _end(text, start)
        if text[start] == "[":
            for _, inner in _children(text, start):
                yield _in_json(text, inner, _end(text, inner))
        else:
            yield _in_json(text, start, end)
        start = _skip(_ANY_SPACE, text, end)


def _end(text: str, start: int) -> int:
    try:
        return _DECODER.raw_decode(text, start)[1]
    except json.JSONDecodeError as exc:
        said = f"{exc.msg[:1].lower()}{exc.msg[1:]}"
        raise Unreadable(f"no JSON: {said}", Place(exc.lineno, exc.colno)) from exc
    except RecursionError as exc:
        raise Unreadable("nested too deeply", _place(text, start)) from exc


def _in_json(text: str, start: int, end: int) -> Placed:
    def find(steps: Sequence[str]) -> Place:
        at = start
        for step in steps:
            following = dict(_children(text, at)).get(step)
            if following is None:
                break
            at = following
        return _place(text, at)

    return Placed(text[start:end].encode(), find)


def _children(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The names (of an array: the numbers) of what is in a value that was read, and where it begins."""
    opening = text[start]
    if opening not in "{[":
        return
    at = _skip(_SPACE, text, start + 1)
    index = 0
    while text[at] not in "}]":
        name = str(index)
        if opening == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(_SPACE, text, _skip(_SPACE, text, at) + 1)
        yield name, at
        at = _skip(_SPACE, text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _skip(_SPACE, text, at + 1)
        index += 1


def _skip(space: re.Pattern[str], text: str, start: int) -> int:
    found = space.match(text, start)
    return found.end() if found else start


def _place(text: str, at: int) -> Place:
    return Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def yaml_documents(text: str) -> list[tuple[Any, Any]]:
    """The documents of a YAML stream: the value as JSON has it, and its node with `start_mark`.

    Raises:
        Unreadable: it is no YAML, or none that JSON can say.
    """
    import yaml

    from chappe.formats.yaml_text import BadYaml, read_yaml

    try:
        # All of it first: what is hostile is refused before nodes are made of it.
        documents = list(read_yaml(text))
        nodes = list(yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except BadYaml as exc:
        line, said = _LINE.match(str(exc)), _LINE.sub("", str(exc))
        raise Unreadable(f"no YAML: {said}", Place(int(line[1]) if line else 1, 1)) from exc
    return list(zip(documents, nodes, strict=True))


def _yaml(text: str) -> Iterator[Placed]:
    import msgspec

    encoder = msgspec.json.Encoder(decimal_format="number")
    for value, node in yaml_documents(text):
        if isinstance(value, list):
            for one, inner in zip(value, node.value, strict=True):
                yield _in_yaml(encoder.encode(one), inner)
        elif value is not None:  # an empty document, such as after a last "---"
            yield _in_yaml(encoder.encode(value), node)


def _in_yaml(body: bytes, node: Any) -> Placed:
    def find(steps: Sequence[str]) -> Place:
        at = node
        for step in steps:
            following = _within(at).get(step)
            if following is None:
                break
            at = following
        return Place(at.start_mark.line + 1, at.start_mark.column + 1)

    return Placed(body, find)


def _within(node: Any) -> dict[str, Any]:
    match node.id:
        case "mapping":
            return {str(key.value): value for key, value in node.value}
        case "sequence":
            return {str(index): value for index, value in enumerate(node.value)}
        case _:
            return {}

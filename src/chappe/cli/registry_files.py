r"""Files of registry documents: JSON or YAML, one or several to a file, a directory of them, or stdin.

    {"messagegroups": {…}}                   a registry document: a map of group collections
    {"xid": "/messagegroups/shop", …}        one entity
    [{…}, {…}]   {…}\n{…}   --- … --- …      several documents
    {"shop": {"xid": "/messagegroups/shop", …}}    a collection, as the hub answers it

JSON and YAML are told apart by the file's name, else by its content. Both are read exactly: no key
twice, no NaN, fractions as Decimals.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import click

from chappe.cli.registry_yaml import BadYaml, read_yaml, write_yaml
from chappe.client.registry import encoded

MAX_BYTES: Final = 64 * 1024 * 1024  # of one file; a registry of 100,000 messages is some 60 MB
JSON_NAMES: Final = (".json", ".jsonl", ".cereg")
YAML_NAMES: Final = (".yaml", ".yml")

Form = Literal["json", "yaml"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document, and where it stands: "shop.yaml" or "shop.yaml, document 2"."""

    origin: str
    body: Mapping[str, Any]


def read_documents(names: Sequence[str]) -> list[Document]:
    """The documents of files, of directories (their JSON and YAML files, by name), and of stdin (-).

    Raises:
        click.UsageError: one cannot be read; names the file, the line and the rule.
    """
    found = [one for name in names for file in _files(name) for one in _documents(file)]
    if not found:
        raise click.UsageError(f"{', '.join(names)}: there is no document in it")
    return found


def form_of(name: str) -> Form | None:
    """What a file's name says of its content: "hub.cereg.yaml" -> "yaml", "hub.cereg" -> "json"."""
    lower = name.lower()
    if lower.endswith(YAML_NAMES):
        return "yaml"
    return "json" if lower.endswith(JSON_NAMES) else None


def written(value: object, form: Form) -> str:
    """The value as a file holds it."""
    if form == "yaml":
        return write_yaml(value)
    import msgspec

    return msgspec.json.format(encoded(value), indent=2).decode() + "\n"


def _files(name: str) -> Iterator[str]:
    if name == "-" or not Path(name).is_dir():
        yield name
        return
    for folder, folders, files in os.walk(name):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if form_of(file) is not None and not file.startswith("."):
                yield str(Path(folder) / file)


def _documents(name: str) -> Iterator[Document]:
    return documents_in(name, _text(name))


def documents_in(name: str, text: str) -> Iterator[Document]:
    """The documents of a text; `name` is its file's, and tells JSON from YAML.

    Raises:
        click.UsageError: it cannot be read; names the file, the line and the rule.
    """
    form = form_of(name) or ("json" if text.lstrip()[:1] in ("{", "[") else "yaml")
    try:
        values = list(_flat(_read_json(text) if form == "json" else read_yaml(text)))
    except (ValueError, RecursionError, BadYaml) as exc:
        raise click.UsageError(f"{_shown(name)}: {_words(exc)}") from exc
    for number, value in enumerate(values, start=1):
        origin = _shown(name) if len(values) == 1 else f"{_shown(name)}, document {number}"
        if not isinstance(value, dict):
            raise click.UsageError(f"{origin}: a document is a map, not {_kind(value)}")
        yield Document(origin, value)


def _text(name: str) -> str:
    try:
        if name == "-":
            read = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                read = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        raise click.UsageError(f"{name}: {exc.strerror or exc}") from exc
    if len(read) > MAX_BYTES:
        raise click.UsageError(f"{_shown(name)}: is over {MAX_BYTES // 2**20} MiB; part it")
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise click.UsageError(f"{_shown(name)}: is not UTF-8 (byte {exc.start})") from exc


def _flat(values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        if value is None:
            continue  # an empty YAML document, such as after a last "---"
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict) and is_collection(value):
            yield from value.values()
        else:
            yield value


def is_collection(value: Mapping[str, Any]) -> bool:
    """Whether it is a map of entities by id, each with its xid, as the hub answers a collection."""
    return bool(value) and all(
        isinstance(one, dict) and isinstance(one.get("xid"), str) for one in value.values()
    )


def _read_json(text: str) -> Iterator[Any]:
    start = 0
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        value, start = _DECODER.raw_decode(text, start)
        yield value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} stands there twice in one object")
    return made


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique
)


def _words(exc: Exception) -> str:
    match exc:
        case json.JSONDecodeError():
            return f"line {exc.lineno}, column {exc.colno}: {exc.msg[:1].lower()}{exc.msg[1:]}"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(exc)


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else f"{type(value).__name__}"

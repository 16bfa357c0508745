"""JSON Schema, drafts 4 to 2020-12, offline and in linear time.

No reference is ever fetched; patterns run in a regex engine without backtracking (look-around and
back-references are refused). `format` is an annotation and asserts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import jsonschema_rs
import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.fields import kind_of, shortened
from chappe.formats.json_compat.documents import BASE, Documents
from chappe.formats.json_schema_limits import check_limits
from chappe.formats.schema_language import Check, Violation

MAX_VIOLATIONS: Final = 100
MAX_SCHEMA_BYTES: Final = 1 << 20

_PLAIN: Final = "JSONSchema"
_DRAFTS: Final = {
    "draft-04": jsonschema_rs.Draft4Validator,
    "draft-06": jsonschema_rs.Draft6Validator,
    "draft-07": jsonschema_rs.Draft7Validator,
    "draft2019-09": jsonschema_rs.Draft201909Validator,
    "draft2020-12": jsonschema_rs.Draft202012Validator,
}
FORMATS: Final = (_PLAIN, *(f"{_PLAIN}/{draft}" for draft in _DRAFTS))
DRAFTS: Final = {
    4: jsonschema_rs.Draft4,
    6: jsonschema_rs.Draft6,
    7: jsonschema_rs.Draft7,
    2019: jsonschema_rs.Draft201909,
    2020: jsonschema_rs.Draft202012,
}
_NUMBERS: Final = dict(zip(_DRAFTS, DRAFTS, strict=True))
_DRAFT_NAME = re.compile(r"(?:draft)?-?(0?4|0?6|0?7|2019-09|2020-12)")
_META_SCHEMA = re.compile(
    r"https?://json-schema\.org/(?:draft-(0[467])/schema|draft/(2019-09|2020-12)/schema)#?"
)
_JSON_TYPE = re.compile(
    r"\s*(?:application/json|text/json|[^/;\s]+/[^/;\s]+\+json)\s*(?:;.*)?", re.I
)
_LOOK_AROUND = re.compile(r"\(\?[=!<]|\\[1-9]")

# All errors of a payload are collected before the first is seen, some 12 µs and 1.5 KB each. A payload
# with more values than this is told its first error only: 300,000 errors would take 4 s and 500 MB.
_MANY_VALUES: Final = 2_000
_NAMES_TOLD: Final = 10

# Each error has a copy of its value and of the schema's constant, and those of the branches of an anyOf
# are all there: a text of 500 KB against 9,000 branches took 4.3 GB and 2.6 s.
_MAX_COPIED_BYTES: Final = 64 << 20
_ERROR_BYTES: Final = 500
_TIMES_PARSED: Final = 16
_MANY_LEVELS: Final = 1_000

_decode = msgspec.json.Decoder().decode
# 1e400 is a JSON number, and no float. Decimal costs time, so it has its turn only when it must.
_decode_exactly = msgspec.json.Decoder(float_hook=Decimal).decode


def canonical_format(name: str) -> str | None:
    """The name of a dialect in one spelling, or None: "jsonschema/draft-2019-09" -> "…/draft2019-09"."""
    language, slash, draft = name.partition("/")
    if language.lower() != _PLAIN.lower():
        return None
    if not slash:
        return _PLAIN
    found = _DRAFT_NAME.fullmatch(draft.lower())
    return f"{_PLAIN}/{_draft_of(found.group(1))}" if found else None


def is_json_type(content_type: str | None) -> bool:
    """Whether data of that type is JSON; data without a type is (spec.md 3.1.2 datacontenttype)."""
    return content_type is None or _JSON_TYPE.fullmatch(content_type) is not None


class JsonSchema:
    """The language of `dataschemaformat` JSONSchema and JSONSchema/draft…."""

    def compile(self, document: bytes, format: str) -> Check:
        """Compile; a plain "JSONSchema" is of the draft that `$schema` names, else 2020-12."""
        schema = decode_schema(document)
        draft = draft_of(schema, format)
        return compiled(Documents(schema, draft=draft), draft)


def decode_schema(document: bytes) -> dict[str, object] | bool:
    """A schema as JSON.

    Raises:
        Malformed: it is too large, no JSON, or neither an object nor a boolean.
    """
    if len(document) > MAX_SCHEMA_BYTES:
        raise Malformed(
            f"dataschema: {len(document)} bytes; at most {MAX_SCHEMA_BYTES} are possible"
        )
    try:
        schema: object = _decode(document)
    except RecursionError:
        raise Malformed("dataschema: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Malformed(f"dataschema: not JSON: {exc}") from None
    if not isinstance(schema, dict | bool):
        raise Malformed(f"dataschema: {kind_of(schema)} was sent, an object or a boolean is needed")
    return schema


def draft_of(schema: dict[str, object] | bool, format: str) -> int:
    """The draft that a format and `$schema` say: 4, 6, 7, 2019, 2020.

    Raises:
        Malformed: one is unknown, or they contradict one another.
    """
    return _NUMBERS[_draft(schema, format)]


def compiled(documents: Documents, draft: int) -> Check:
    """A check of payloads by a schema and the documents that it refers to.

    Raises:
        Malformed: it is no schema of the draft, or larger or costlier than is possible.
    """
    widest = check_limits(documents)
    name = _draft_of({2019: "2019-09", 2020: "2020-12"}.get(draft, str(draft)))
    resources = list(documents.resources.items())
    try:
        validator = _DRAFTS[name](
            documents.root.node,
            registry=jsonschema_rs.Registry(resources, draft=DRAFTS[draft]) if resources else None,
            base_uri=BASE if resources else None,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20),
            validate_formats=False,
            mask="the value",
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as exc:
        raise Malformed(f"dataschema: {_why(exc)}") from None
    except ValueError as exc:
        raise Malformed(f"dataschema: {exc}") from None
    return _JsonCheck(validator, widest, _constants_bytes(documents))


def _constants_bytes(documents: Documents) -> int:
    found = 0
    for node in documents.nodes:
        for key in ("enum", "const"):
            if key in node:
                found += len(msgspec.json.encode(node[key]))
    return found


class _JsonCheck:
    """One compiled schema: first the fast question whether all is well, then what is not."""

    def __init__(self, validator: jsonschema_rs.Validator, widest: int, constants: int) -> None:
        """`widest` subschemas meet one value; all constants have `constants` bytes of JSON."""
        self._validator = validator
        self._widest = widest
        self._constants = constants
        self._is_valid = validator.is_valid

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        if data is None:
            return (Violation("", "data", "", "the event has no data, its type declares a schema"),)
        if content_type != "application/json" and not is_json_type(content_type):
            assert content_type is not None
            return (
                Violation(
                    "",
                    "datacontenttype",
                    shortened(content_type),
                    "the data is not JSON, its type declares a JSON Schema",
                ),
            )
        try:
            value = _decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            try:
                value = _decode_exactly(data)
            except RecursionError:
                return (_no_json("nested too deeply"),)
            except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError) as exc:
                return (_no_json(str(exc)),)
        try:
            if self._is_valid(value):
                return ()
            return self._violations(value, data)
        except (ValueError, RecursionError) as exc:
            return (_no_json(f"cannot be checked: {exc}"),)

    def _violations(self, value: object, data: bytes) -> Sequence[Violation]:
        values = 1 + data.count(b",") + data.count(b"{") + data.count(b"[")
        is_many = values > _MANY_VALUES
        if self._copied_bytes(value, data, 1 if is_many else values) > _MAX_COPIED_BYTES:
            return (
                Violation(
                    "",
                    "schema",
                    "",
                    "it is not valid; why is not told, since it is large and so many subschemas meet it",
                ),
            )
        if is_many:
            try:
                self._validator.validate(value)
            except jsonschema_rs.ValidationError as error:
                return (_violation(value, error),)
        found = []
        for each in self._validator.iter_errors(value):
            found.append(_violation(value, each))
            if len(found) == MAX_VIOLATIONS:
                break
        if not found:
            raise ValueError("the checker contradicts itself")
        return found

    def _copied_bytes(self, value: object, data: bytes, values: int) -> int:
        """What all errors hold at most: each its value with all that is in it, and its constants."""
        once = self._widest * len(data)
        # What fails may stand in what fails: each level is copied with those below it.
        deep = _depth(value) if values > 1 and once * _MANY_LEVELS > _MAX_COPIED_BYTES else 1
        return once * deep + values * (
            self._widest * _ERROR_BYTES + self._constants * _TIMES_PARSED
        )


def _depth(value: object) -> int:
    """How many values stand in one another, at most."""
    depth, level = 0, [value]
    while level:
        depth += 1
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        level = below
    return depth


def _draft(schema: dict[str, object] | bool, format: str) -> str:
    """The draft to compile as: what the format says, which `$schema` must not contradict."""
    canonical = canonical_format(format)
    if canonical is None:
        raise Malformed(
            f"dataschemaformat: {shortened(format)} is unknown; known: {', '.join(FORMATS)}"
        )
    declared = schema.get("$schema") if isinstance(schema, dict) else None
    named = None
    if declared is not None:
        found = _META_SCHEMA.fullmatch(declared) if isinstance(declared, str) else None
        if found is None:
            raise Malformed(
                f"dataschema/$schema: {shortened(declared)} is no draft of JSON Schema that is"
                f" known; known: {', '.join(_DRAFTS)}"
            )
        named = _draft_of(found.group(1) or found.group(2))
    wanted = canonical.partition("/")[2]
    if wanted and named and wanted != named:
        raise Malformed(
            f"dataschema/$schema: {shortened(declared)} is {named}, dataschemaformat says {wanted}"
        )
    return wanted or named or "draft2020-12"


def _draft_of(number: str) -> str:
    """What a number is called: "7" and "07" -> "draft-07", "2019-09" -> "draft2019-09"."""
    return f"draft{number}" if len(number) > 2 else f"draft-{int(number):02}"


def _why(exc: jsonschema_rs.ValidationError | jsonschema_rs.ReferencingError) -> str:
    if isinstance(exc, jsonschema_rs.ReferencingError) or exc.kind.name == "$ref":
        return f"{_clip(exc.message)}; a schema must hold all that it refers to"
    where = _pointer(exc.instance_path)
    if (exc.kind.name in ("pattern", "format")) and isinstance(exc.instance, str):
        rule = (
            "look-around and back-references are not served"
            if _LOOK_AROUND.search(exc.instance)
            else "it does not compile, or is too large"
        )
        return f"{where or '/'}: the pattern {shortened(exc.instance)} is refused: {rule}"
    return f"{where or '/'}: {_clip(exc.message)}"


def _violation(value: object, error: jsonschema_rs.ValidationError) -> Violation:
    path, rule, message = error.instance_path, error.kind.name, error.message
    found = _at(value, path)
    if rule == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        # Told in another way where the schema has no properties of its own.
        rule = "additionalProperties"
        if isinstance(found, dict):
            names = ", ".join(repr(name) for name in islice(found, _NAMES_TOLD))
            were = "was" if len(found) == 1 else "were"
            message = f"Additional properties are not allowed ({names} {were} unexpected)"
    return Violation(_pointer(path), rule, _shown(found), _clip(message))


def _no_json(message: str) -> Violation:
    return Violation("", "json", "", message)


def _pointer(path: Sequence[str | int]) -> str:
    """["a/b", 0] -> "/a~1b/0" (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _at(value: object, path: Sequence[str | int]) -> object:
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return value


def _shown(value: object) -> str:
    """JSON text, shortened; of what holds other values only how many."""
    match value:
        case dict():
            return f"{{… {len(value)}}}" if value else "{}"
        case list():
            return f"[… {len(value)}]" if value else "[]"
        case str():
            return msgspec.json.encode(value if len(value) <= 80 else f"{value[:77]}…").decode()
        case Decimal():
            return str(value)
        case _:
            text = msgspec.json.encode(value).decode()
            return text if len(text) <= 80 else f"{text[:77]}…"


def _clip(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:297]}…"

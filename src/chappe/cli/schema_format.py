"""What a JSON Schema says that it is written in."""

from __future__ import annotations

DEFAULT_FORMAT = "JSONSchema/draft-07"
_FORMATS = {
    "draft-04": "JSONSchema/draft-04",
    "draft-06": "JSONSchema/draft-06",
    "draft-07": "JSONSchema/draft-07",
    "2019-09": "JSONSchema/draft2019-09",
    "2020-12": "JSONSchema/draft2020-12",
}


def format_of(declared: object) -> str:
    """The format that `$schema` names, such as JSONSchema/draft2020-12."""
    dialect = declared.get("$schema", "") if isinstance(declared, dict) else ""
    for name, format_ in _FORMATS.items():
        if name in str(dialect):
            return format_
    return DEFAULT_FORMAT

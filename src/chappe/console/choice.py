"""Which events somebody wants, as the fields of a form say it."""

from __future__ import annotations

import json
from collections.abc import Mapping


def choice(form: Mapping[str, str]) -> dict[str, object]:
    """`types`, `source` and `filters` as the Subscriptions API has them.

    {"types": "a, b", "filters": "x = 1"} -> {"types": ["a", "b"], "filters": [{"sql": "x = 1"}]}

    `types` are parted by commas, but for where there is `type`, which is one, whatever it is called.

    Raises:
        ValueError: what looks like JSON is none.
    """
    wanted: dict[str, object] = {"types": [form["type"]] if form.get("type") else _types(form)}
    if form.get("source", "").strip():
        wanted["source"] = form["source"].strip()
    return wanted | {"filters": filters_of(form.get("filters", ""))}


def _types(form: Mapping[str, str]) -> list[str]:
    types = [one.strip() for one in form.get("types", "").replace("\n", ",").split(",")]
    return [one for one in types if one]


def filters_of(written: str) -> list[object]:
    """Filter expressions: what is written is JSON, or one CESQL expression.

    Raises:
        ValueError: what looks like JSON is none.
    """
    text = written.strip()
    if not text.startswith(("[", "{")):
        return [{"sql": text}] if text else []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"filters: this is no JSON: {error}") from error
    return found if isinstance(found, list) else [found]


def per_second(written: str) -> float:
    """How many requests a second at the most.

    Raises:
        ValueError: it is no number.
    """
    try:
        return float(written)
    except ValueError:
        raise ValueError(f"rate: {written[:40]!r} is no number of requests a second") from None

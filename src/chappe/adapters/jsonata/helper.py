"""The helper process: evaluates expressions until its input ends.

first frame:  limit of memory in bytes, limit of CPU seconds a job
a job:        expression, JSON document
an answer:    b"value" and JSON; b"nothing"; b"error" and a text
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jsonata
import msgspec

from chappe.adapters.jsonata.wire import DIRECTORY_PREFIX
from chappe.kit.helper_side import serve


def main() -> None:
    """Serve frames from standard input."""
    serve(evaluated, directory_prefix=DIRECTORY_PREFIX)


def evaluated(job: Sequence[bytes]) -> list[bytes]:
    """The answer to one job."""
    expression, document = job
    try:
        value = _compiled(expression.decode()).evaluate(msgspec.json.decode(document))
        return [b"nothing"] if value is None else [b"value", msgspec.json.encode(_plain(value))]
    except MemoryError:
        return [b"error", b"more memory than there is"]
    except RecursionError:
        return [b"error", b"nested too deeply"]
    except Exception as error:  # noqa: BLE001 - whatever the expression brought about is its answer
        return [b"error", str(error)[:500].encode("utf-8", "replace")]


@lru_cache(maxsize=1_024)
def _compiled(expression: str) -> jsonata.Jsonata:
    return jsonata.Jsonata(expression)


def _plain(value: Any) -> Any:
    """JSON values alone: 3.0 -> 3, as JSONata's numbers are; functions have no value."""
    match value:
        case bool() | str() | int() | None:
            return value
        case float():
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case _:
            raise ValueError(f"the value is no JSON but a {type(value).__name__}")

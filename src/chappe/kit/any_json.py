"""JSON for whatever there is to say, in any case: values that have no JSON form become text."""

from __future__ import annotations

import json

import msgspec

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def encode_json(value: object) -> bytes:
    r"""UTF-8 JSON; falls back to ASCII with \u escapes where text is no valid Unicode.

    A half of a surrogate pair can reach a message by way of a caller's value; it must not turn a
    refusal into a failure.
    """
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError):
        return json.dumps(value, default=str, skipkeys=True).encode("ascii")

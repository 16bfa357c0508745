"""Lock tokens: which event, which time, and a signature that nobody makes without the hub's key.

    Lock(Position(2, 1041, 7), 1)  <->  "2-1041-7.1.Fq3vN0o5y3bYc8mJtX0Q9w"

Any node of the hub reads the token of any other: the shard and the place stand in it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from chappe.domain.position import Position
from chappe.domain.pull import Lock
from chappe.domain.subscription import Subscription

MAX_TOKEN: Final = 128
_TOKEN = re.compile(r"(\d{1,4}-\d{1,19}-\d{1,9})\.(\d{1,9})\.([A-Za-z0-9_-]{22})")
_SIGNATURE_BYTES: Final = 16


def encode_token(lock: Lock, subscription: Subscription, key: bytes) -> str:
    """The token of a lock that a consumer of the subscription gets."""
    said = f"{lock.position}.{lock.number}"
    return f"{said}.{_signature(said, subscription, key)}"


def decode_token(token: str, subscription: Subscription, key: bytes) -> Lock | None:
    """The lock; None for a text that is no token of this subscription."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    position, number, signature = found.groups()
    genuine = _signature(f"{position}.{number}", subscription, key)
    if not hmac.compare_digest(signature, genuine):
        return None
    return Lock(Position.parse(position), int(number))


def _signature(said: str, subscription: Subscription, key: bytes) -> str:
    # The revision, too: a subscription that is made again under its old id is another one.
    whose = f"{subscription.channel}\n{subscription.id}\n{subscription.made_at_revision}\n{said}"
    digest = hashlib.blake2b(whose.encode(), key=key, digest_size=_SIGNATURE_BYTES).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

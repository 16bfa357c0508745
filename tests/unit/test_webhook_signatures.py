"""Standard Webhooks signatures: ours against those of the specification's own library, and back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chappe.domain.errors import Malformed
from chappe.formats.webhook_signatures import (
    new_key_pair,
    new_secret,
    public_key,
    signatures,
    signer,
    verify,
)

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SEED = "whsk_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_790_000_000


def signed(body: bytes, *keys: str, message_id: str = "msg_1", at: int = NOW) -> str:
    return signatures([signer(key, "key") for key in keys], message_id, at, body)


def checked(body: bytes, signature: str, *keys: str, now_s: float = NOW, at: str = str(NOW)) -> str:
    return verify(
        keys,
        message_id="msg_1",
        timestamp=at,
        signature=signature,
        body=body,
        now_s=now_s,
    )


@given(
    body=st.binary(max_size=200), message_id=st.from_regex(r"msg_[a-z0-9]{1,20}", fullmatch=True)
)
def test_the_specifications_library_signs_the_same(body: bytes, message_id: str) -> None:
    text = body.hex()
    theirs = Webhook(SECRET).sign(message_id, datetime.fromtimestamp(NOW, UTC), text)
    assert signed(text.encode(), SECRET, message_id=message_id) == theirs


def test_the_specifications_library_takes_ours_also_among_others() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signed(b'{"a": 1}', new_secret(), SECRET, SEED, at=now),
    }
    assert Webhook(SECRET).verify(b'{"a": 1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a": 2}', headers)


def test_every_key_signs_and_any_of_them_is_enough() -> None:
    other = new_secret()
    both = signed(b"body", SECRET, other, SEED)
    assert [part.partition(",")[0] for part in both.split()] == ["v1", "v1", "v1a"]
    for key in (SECRET, other, SEED):
        assert checked(b"body", both, key) in ("v1", "v1a")
    assert checked(b"body", both, new_secret(), SECRET) == "v1"


def test_a_receiver_of_ed25519_needs_the_public_key_alone() -> None:
    private, public = new_key_pair()
    assert public_key(private) == public
    assert checked(b"body", signed(b"body", private), public) == "v1a"
    assert public_key(SECRET) is None


def test_a_private_key_may_carry_its_public_half() -> None:
    private, public = new_key_pair()
    seed = base64.b64decode(private.removeprefix("whsk_"))
    half = base64.b64decode(public.removeprefix("whpk_"))
    whole = "whsk_" + base64.b64encode(seed + half).decode()
    assert checked(b"body", signed(b"body", whole), public) == "v1a"
    with pytest.raises(Malformed, match="public half"):
        signer("whsk_" + base64.b64encode(seed + bytes(32)).decode(), "key")


@pytest.mark.parametrize(
    ("body", "at", "now_s", "says"),
    [
        (b"other", str(NOW), NOW, "none of the 2 signatures (v1, v1a) is of a given key"),
        (b"body", str(NOW + 1), NOW, "none of the 2 signatures"),
        (b"body", str(NOW), NOW + 301, "301 s in the past; at most 300 s"),
        (b"body", str(NOW), NOW - 301, "301 s in the future"),
        (b"body", "soon", NOW, "webhook-timestamp: 'soon' is no number of seconds"),
    ],
)
def test_what_was_altered_or_is_old_is_refused(
    body: bytes, at: str, now_s: float, says: str
) -> None:
    with pytest.raises(Malformed) as refused:
        checked(body, signed(b"body", SECRET, SEED), SECRET, SEED, now_s=now_s, at=at)
    assert says in refused.value.message


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    value = signed(b"body", SECRET).replace("v1,", "v1a,")
    with pytest.raises(Malformed):
        checked(b"body", value, SECRET, SEED)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with 'whsec_'"),
        ("whpk_" + base64.b64encode(bytes(32)).decode(), "begins with 'whsec_' or 'whsk_'"),
        ("whsec_c2hvcnQ=", "a secret of 5 bytes; 24 to 64 are possible"),
        ("whsec_***", "not Base64 behind its prefix"),
        ("whsk_c2hvcnQ=", "a private key of 5 bytes; 32 or 64 are needed"),
    ],
)
def test_a_text_that_is_no_key_is_refused_without_being_shown(key: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        signer(key, "signing/secrets/0")
    assert refused.value.message.startswith("signing/secrets/0: ")
    assert says in refused.value.message
    assert key not in refused.value.message

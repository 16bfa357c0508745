"""What a sink's answer to the validation request grants (CloudEvents webhook spec 4.2)."""

from __future__ import annotations

import pytest

from chappe.domain.errors import Malformed
from chappe.domain.grant import Agreed, agreed, asked_rate, rate_of

ORIGIN = "hub.example.com"


@pytest.mark.parametrize(
    ("origin", "rate", "asked", "granted"),
    [
        ("hub.example.com", "*", 60, None),
        ("Hub.Example.COM", "120", 60, 120),
        ("*", "*", None, None),
        ("*", None, None, None),
        ("*", None, 60, 60),  # 4.2.2: the requested rate, where none is said
    ],
)
def test_4_2_an_origin_that_is_ours_or_any_grants(
    origin: str, rate: str | None, asked: int | None, granted: int | None
) -> None:
    assert agreed(allowed_origin=origin, allowed_rate=rate, origin=ORIGIN, asked=asked) == Agreed(
        granted
    )


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        (None, "WebHook-Allowed-Origin: is missing, so nothing is granted"),
        ("", "is not 'hub.example.com'"),
        ("hub.example.com.attacker.example", "is not 'hub.example.com'"),
        ("attacker.example/hub.example.com", "is not 'hub.example.com'"),
        ("example.com", "is not 'hub.example.com'"),
        ("*.example.com", "is not 'hub.example.com'"),
        ("hub.example.com,other.example", "is not 'hub.example.com'"),
    ],
)
def test_4_2_1_another_origin_grants_nothing(origin: str | None, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        agreed(allowed_origin=origin, allowed_rate="*", origin=ORIGIN, asked=None)
    assert says in refused.value.message


@pytest.mark.parametrize("rate", ["0", "-1", "1.5", "many", "", "\u0661", "9" * 5000])
def test_4_2_2_a_rate_is_an_asterisk_or_a_positive_number(rate: str) -> None:
    with pytest.raises(Malformed, match="neither"):
        rate_of(rate, asked=1)


@pytest.mark.parametrize(("per_second", "asked"), [(None, None), (2.0, 120), (0.001, 1)])
def test_4_1_4_the_rate_is_asked_for_by_the_minute(
    per_second: float | None, asked: int | None
) -> None:
    assert asked_rate(per_second) == asked

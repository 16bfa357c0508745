"""adapters/nats/messages: which refusals pass, and which do not."""

from __future__ import annotations

import pytest

from chappe.adapters.nats.messages import ApiError, WrongSequence, refusal
from chappe.domain.errors import Unavailable


@pytest.mark.parametrize(
    ("status", "err_code", "description"),
    [
        (503, 10008, "JetStream system temporarily unavailable"),
        (503, 10023, "insufficient resources"),
        (503, 10077, "maximum bytes exceeded"),
        (500, 10009, "JetStream cluster can not handle request"),
        (500, 10118, "stream is offline"),
        (500, 10047, "insufficient storage resources available"),
        (500, 0, "a reply of the direct API"),
        (429, 10167, "too many requests"),
        (400, 10002, "resource limits exceeded for account"),
        (400, 10176, "atomic publish batch is incomplete"),
    ],
)
def test_a_refusal_that_passes_is_unavailable_with_the_engines_words(
    status: int, err_code: int, description: str
) -> None:
    error = refusal({"code": status, "err_code": err_code, "description": description})
    assert isinstance(error, Unavailable)
    assert description in error.message


@pytest.mark.parametrize(
    ("status", "err_code"),
    [(404, 10059), (400, 10109), (400, 10174), (500, 10052), (500, 10069), (413, 0)],
)
def test_a_refusal_that_stays_is_told_apart(status: int, err_code: int) -> None:
    error = refusal({"code": status, "err_code": err_code, "description": "stream not found"})
    assert isinstance(error, ApiError)
    assert (error.status, error.err_code) == (status, err_code)


@pytest.mark.parametrize("err_code", [10071, 10164])
def test_a_wrong_sequence_is_no_error_of_the_engine(err_code: int) -> None:
    error = refusal({"code": 400, "err_code": err_code, "description": "wrong last sequence"})
    assert isinstance(error, WrongSequence)

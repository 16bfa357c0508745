"""What JSON Schemas mean, compared in a helper process: the same answers, and a deadline."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.spec.hostile_schemas import ENDLESS
from tests.speed import slowness

from chappe.adapters.containment.decider import HelpedContainment
from chappe.formats.json_compat.containment import Answer, contains
from chappe.formats.json_compat.documents import Documents

DRAFTS = 2020, 2020
NARROW, WIDE = {"type": "integer"}, {"type": "number"}


@pytest.fixture(scope="module")
def shared() -> Iterator[HelpedContainment]:
    with HelpedContainment() as decider:
        yield decider


def documents(schema: object, **given: object) -> Documents:
    assert isinstance(schema, dict)
    return Documents(schema, given, draft=2020)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (WIDE, NARROW),
        (NARROW, WIDE),
        (NARROW, NARROW),
        ({"pattern": "^a*$"}, {"pattern": "^aa$"}),
        ({"minLength": 10**30}, {"minLength": 1e300}),
        ({"const": "\0"}, {"enum": ["\0", "é"]}),
        ({"oneOf": [{"multipleOf": at} for at in range(3, 9)]}, {"multipleOf": 7}),
        ({"anyOf": [{"const": at} for at in range(200)]}, NARROW),
    ],
)
def test_it_answers_as_is_answered_without_it(
    shared: HelpedContainment, new: object, old: object
) -> None:
    found = shared(documents(new), documents(old), DRAFTS)
    here = contains(documents(new), documents(old), DRAFTS)
    # The helper decides larger ones, too.
    assert found == here or here == "too large"


def test_documents_that_are_referred_to_come_along(shared: HelpedContainment) -> None:
    new, old = (documents({"$ref": "a.json"}, **{"a.json": one}) for one in (WIDE, NARROW))
    assert new.given
    assert shared(new, old, DRAFTS) == contains(new, old, DRAFTS)
    assert shared(new, new, DRAFTS) == "yes"


def test_schemas_of_other_drafts_are_not_compared(shared: HelpedContainment) -> None:
    assert shared(documents(NARROW), documents(NARROW), (7, 2020)) == "other drafts"


def test_what_takes_too_long_is_given_up_and_the_next_is_decided() -> None:
    new, old = documents(WIDE), documents(NARROW)
    with HelpedContainment() as decider:
        assert decider(new, old, DRAFTS) == "yes"
        assert decider.pid is not None
        os.kill(decider.pid, signal.SIGSTOP)
        assert decider(new, old, DRAFTS) == "too long"
        assert decider(new, old, DRAFTS) == "yes"


def test_what_took_a_second_of_everybodys_time_is_decided_or_given_up(
    shared: HelpedContainment,
) -> None:
    old, new = map(documents, ENDLESS)
    began = time.thread_time()
    assert shared(new, old, DRAFTS) in ("unknown", "no", "too long")
    assert time.thread_time() - began < 0.1 * slowness()


def test_what_takes_too_much_memory_is_given_up_and_the_next_is_decided() -> None:
    many = documents({"enum": ["x" * 100_000 + str(at) for at in range(3_000)]})
    with HelpedContainment(memory_bytes=256 << 20) as decider:
        assert decider(many, documents(NARROW), DRAFTS) == "too long"
        assert decider(documents(WIDE), documents(NARROW), DRAFTS) == "yes"


def test_a_helper_that_died_is_replaced(shared: HelpedContainment) -> None:
    assert shared(documents(WIDE), documents(NARROW), DRAFTS) == "yes"
    first = shared.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert shared(documents(WIDE), documents(NARROW), DRAFTS) == "yes"
    assert shared.pid not in (None, first)


def test_a_closed_one_decides_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path)
    try:
        with HelpedContainment() as decider:
            assert decider(documents(WIDE), documents(NARROW), DRAFTS) == "yes"
            assert list(tmp_path.glob("chappe-containment-*"))
    finally:
        tempfile.tempdir = before
    assert list(tmp_path.iterdir()) == []
    assert decider(documents(WIDE), documents(NARROW), DRAFTS) == "too long"


def test_threads_each_get_their_answer(shared: HelpedContainment) -> None:
    def ask(number: int) -> Answer:
        return shared(documents({"maximum": 50}), documents({"maximum": number}), DRAFTS)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(100)))
    assert answers == ["yes" if number <= 50 else "no" for number in range(100)]


def test_a_job_is_of_bytes_that_json_could_not_carry(shared: HelpedContainment) -> None:
    schema = json.loads('{"maximum": 1e999}')
    assert shared(documents(schema), documents(schema), DRAFTS) in ("yes", "unknown")

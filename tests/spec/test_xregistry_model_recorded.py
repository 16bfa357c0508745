"""Models as recorded exchanges send and show them (titles and wording are our own)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chappe.registry.errors import RegistryError
from chappe.registry.model_source import compile_model

RECORDED = Path(__file__).parents[3] / "shared" / "vectors" / "xregistry" / "exchanges.jsonl.gz"
MODEL_ERRORS = ("model_error", "model_required_true", "model_scalar_default")

pytestmark = pytest.mark.skipif(
    not RECORDED.exists(), reason=f"the recorded exchanges are not at {RECORDED}"
)


@dataclass(frozen=True)
class Case:
    """A model source, and what came of it: an error, or the full model that was shown after it."""

    source: Any
    error: Any = None
    full: Any = None


def parsed(text: Any) -> Any:
    try:
        return json.loads(text, parse_float=Decimal) if isinstance(text, str) else None
    except ValueError:
        return None


def cases() -> Iterator[Any]:
    if not RECORDED.exists():
        return
    with gzip.open(RECORDED, "rt") as lines:
        for line in lines:
            test = json.loads(line)
            source: Any = {}
            for index, exchange in enumerate(test["exchanges"]):
                path = exchange["path"].split("?")[0]
                body, answer = parsed(exchange["body"]), parsed(exchange["expect"].get("body"))
                sent = body if path == "/modelsource" and exchange["method"] == "PUT" else None
                if path == "/" and isinstance(body, dict):
                    sent = body.get("modelsource")
                id = f"{test['name']}-{index}"
                status = exchange["expect"]["status"]
                if isinstance(sent, dict):
                    kind = answer["type"].split("#")[1] if status >= 400 else ""
                    if status < 300:
                        source = sent
                        yield pytest.param(Case(sent), id=id)
                    elif kind in MODEL_ERRORS and "changing the singular" not in answer["title"]:
                        yield pytest.param(Case(sent, error=answer), id=id)
                full = answer if path == "/model" else None
                if path == "/" and isinstance(answer, dict):
                    full = answer.get("model")
                if status == 200 and full is not None and exchange["method"] == "GET":
                    yield pytest.param(Case(source, full=full), id=id)


@pytest.mark.parametrize("case", list(cases()))
def test_a_recorded_model_is_answered_as_recorded(case: Case) -> None:
    if case.error is not None:
        with pytest.raises(RegistryError) as caught:
            compile_model(case.source)
        assert caught.value.type == case.error["type"]
        assert caught.value.subject == case.error["subject"]
        assert caught.value.args_shown == case.error["args"]
    else:
        model = compile_model(case.source)
        assert model.source == case.source
        if case.full is not None:
            assert model.full == case.full

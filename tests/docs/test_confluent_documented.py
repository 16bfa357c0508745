"""docs/confluent.md lists every error code of the Confluent API, and every path."""

from __future__ import annotations

import re
from pathlib import Path

import chappe
from chappe.http.confluent.routes import ROUTES

ROOT = Path(chappe.__file__).parent
TEXT = (Path(__file__).parents[2] / "docs" / "confluent.md").read_text(encoding="utf-8")
PLACES = ("formats/confluent", "http/confluent")


def test_each_code_is_documented_with_its_status() -> None:
    rows = dict(re.findall(r"^\| `(\d+)` \| (\d+) \|", TEXT, re.MULTILINE))
    sources = [file.read_text() for place in PLACES for file in (ROOT / place).glob("*.py")]
    used = {code for text in sources for code in re.findall(r"\b[45]\d{4}\b", text)}
    said_of_others = {"40901"}  # what later releases of Confluent's say for 409

    assert used - said_of_others == rows.keys() - {"409"}
    assert all(code.startswith(status) for code, status in rows.items())


def test_each_path_is_documented() -> None:
    table = TEXT.split("## Operations")[1].split("## Errors")[0]
    for path in ROUTES:
        if path and not path.startswith("associations"):
            *_, last = [part for part in path.split("/") if not part.startswith("{")]
            assert f"/{last}" in table, path
    assert "/associations" in table

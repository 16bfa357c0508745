"""What the console holds of others is what vendor.toml says, byte for byte, and its licence is told."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files

VENDOR = files("chappe.console") / "static" / "vendor"
ENTRIES = tomllib.loads((VENDOR / "vendor.toml").read_text("utf-8"))["file"]


def test_every_file_of_others_has_the_hash_that_is_told() -> None:
    for entry in ENTRIES:
        found = (VENDOR / entry["name"]).read_bytes()
        assert hashlib.sha256(found).hexdigest() == entry["sha256"], entry["name"]


def test_no_other_file_stands_there() -> None:
    there = {one.name for one in VENDOR.iterdir()} - {"vendor.toml"}
    assert there == {entry["name"] for entry in ENTRIES}


def test_each_is_named_with_its_licence_in_the_notice() -> None:
    notice = (files("chappe.console") / "THIRD_PARTY.txt").read_text("utf-8")
    for entry in ENTRIES:
        assert entry["name"] in notice
        assert f"{entry['package']} {entry['version']}" in notice
        assert entry["licence"] in notice

"""docs/formats.md names every event format, each with its media types."""

from __future__ import annotations

from pathlib import Path

import pytest

from chappe.formats.event_formats import FORMATS, Format

TEXT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


@pytest.mark.parametrize("format", FORMATS, ids=lambda one: one.name)
def test_a_format_is_documented_with_its_media_types(format: Format) -> None:
    batch = "none" if format.batch_media_type is None else f"`{format.batch_media_type}`"
    assert f"| `{format.media_type}` | {batch} |" in TEXT


def test_no_other_format_is_documented() -> None:
    rows = [line for line in TEXT.splitlines() if "| `application/cloudevents+" in line]
    assert len([row for row in rows if row.count("|") == 5 and "md" in row]) == len(FORMATS)

"""When a node traces, and what it says where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chappe.domain.errors import InvalidSetting
from chappe.server.settings import load
from chappe.server.tracing import open_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("flags", "environ"),
    [({}, {}), ({"tracing": "off"}, ENDPOINT), ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""})],
)
def test_nobody_traces_who_was_not_asked_to(
    flags: dict[str, str], environ: dict[str, str], tmp_path: Path
) -> None:
    assert open_tracing(load(flags, environ, tmp_path), "n-1") is None


@pytest.mark.parametrize(
    ("flags", "environ"),
    [
        ({"tracing": "on"}, {}),
        ({}, ENDPOINT),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}),
    ],
)
async def test_a_setting_or_the_environment_turns_it_on(
    flags: dict[str, str], environ: dict[str, str], tmp_path: Path
) -> None:
    tracing = open_tracing(load(flags, environ, tmp_path), "n-1")
    assert tracing is not None
    await tracing.close()


def test_without_the_extra_it_is_refused_only_where_it_was_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in [one for one in sys.modules if one.startswith("chappe.adapters.otel")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InvalidSetting, match=r"^tracing: .*pip install 'chappe\[otel\]'"):
        open_tracing(load({"tracing": "on"}, {}, tmp_path), "n-1")
    assert open_tracing(load({}, ENDPOINT, tmp_path), "n-1") is None
    assert "chappe[otel]" in caplog.text

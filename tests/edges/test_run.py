"""A hub in which a part fails: it ends, says why once, and tells so by its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chappe.server.run import HubFile, run
from chappe.server.settings import load

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]


class Fault(Exception):
    """What nobody foresaw."""


def test_a_fault_nobody_foresaw_ends_the_hub_with_one_traceback_and_exit_code_7(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ready(here: HubFile, data: Path) -> None:
        raise Fault("a part is broken")

    flags = {"data": str(tmp_path / "data"), "port": "0", "log_format": "json"}
    code = run(load(flags, {}, tmp_path), dev=True, ready=ready)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (told,) = [line for line in lines if line["level"] == "error"]
    assert code == 7
    assert told["event"] == "the hub ends: Fault: a part is broken"
    assert told["traceback"].rstrip().endswith("Fault: a part is broken")
    assert "ExceptionGroup" not in told["traceback"]
    assert len(told["traceback"].splitlines()) < 15

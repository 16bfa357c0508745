"""AsyncAPI and Backstage by the command line, against a real hub, started by `chappe dev`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from cli_process import Cli, chappe, name

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe", "name"]  # fixtures


def described(title: str) -> str:
    return json.dumps(
        {
            "asyncapi": "2.6.0",
            "info": {"title": title, "version": "0.1.0"},
            "servers": {"n": {"url": "nats://nats.example:4222", "protocol": "nats"}},
            "channels": {"paid": {"subscribe": {"message": {"payload": {"type": "object"}}}}},
        }
    )


def test_a_document_is_imported_told_by_its_content_and_exported(
    chappe: Cli, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "asyncapi.json"
    file.write_text(described(name))

    tried = chappe("registry", "import", str(file), "--dry-run", "-o", "name")
    made = chappe("registry", "import", "-", "-o", "name", stdin=file.read_text())
    again = chappe("registry", "import", str(file), "-o", "name")
    out = tmp_path / "out.yaml"
    shown = chappe(
        "registry", "export", "--format", "asyncapi", "--application", name, "-f", str(out)
    )

    assert (tried.code, made.code, again.code, shown.code) == (0, 0, 0, 0), made.err
    assert f"/endpoints/{name}.paid" in made.out.split()
    assert tried.out == made.out
    assert again.out == ""
    document = yaml.safe_load(out.read_text())
    assert set(document["channels"]) == {f"{name}.paid"}
    assert chappe("registry", "import", str(out), "-o", "name").out == ""


def test_what_is_wrong_with_a_document_is_said(chappe: Cli) -> None:
    document = {"asyncapi": "3.0.0", "channels": {"a": {"$ref": "https://elsewhere.example/a"}}}
    remote = chappe("registry", "import", "-", stdin=json.dumps(document))
    missing = chappe("registry", "export", "--format", "asyncapi", "--endpoint", "none")

    assert remote.code != 0
    assert "leads out of the document" in remote.err
    assert missing.code == 3
    assert chappe("registry", "export", "--endpoint", "x").code == 2
    assert chappe("registry", "import", "-", "--application", "x", stdin="{}").code == 2


def test_backstages_catalogue_is_written_whole(chappe: Cli, name: str) -> None:
    chappe("registry", "import", "-", stdin=described(name))
    shown = chappe("registry", "export", "--format", "backstage")

    kinds = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(shown.out)}
    assert {("API", name), ("Component", name), ("Component", "chappe")} <= kinds

"""Exports against the official JSON Schemas of AsyncAPI, and Backstage's entities against its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

sys.path.append(str(Path(__file__).parents[1] / "edges"))
from npm_package import NpmPackage

from chappe.formats.backstage import catalogue, location
from tests.unit.asyncapi_samples import BASE, adopted, exported, registry

ASYNCAPI = NpmPackage(
    "@asyncapi/specs",
    "6.11.1",
    "sha512-A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ==",
)
BACKSTAGE = NpmPackage(
    "@backstage/catalog-model",
    "1.10.1",
    "sha512-Bya4F+FsOQbDpp9YqeJCD3ATXZ7KZIvB6+kWp5sEazsms4aWs5iCe2/GCi0GxCVuy67HsrOktOttf1DMsecHig==",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", ["3.0.0", "3.1.0"])
def test_what_is_exported_is_valid(version: str) -> None:
    (schema,) = ASYNCAPI.json(f"schemas/{version}-without-$id.json")
    validator = jsonschema_rs.Draft7Validator(schema)
    whole = exported(registry())

    for document in (whole, exported(adopted(whole)[0]), exported(registry(), ["subjects"])):
        told = json.loads(json.dumps({**document, "asyncapi": version}, default=float))
        assert [str(one)[:300] for one in validator.iter_errors(told)] == []


KINDS = ("API", "Component", "Location", "Resource", "System")
FILES = (
    "Entity", "EntityMeta", "EntityEnvelope", "shared/common", *(f"kinds/{one}.v1alpha1" for one in KINDS),
)  # fmt: skip


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Backstage's schemas by their ids; they are packed as JavaScript that makes them."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to read Backstage's schemas with")
    folder = tmp_path_factory.mktemp("backstage")
    names = [f"dist/schema/{one}.schema.json.cjs.js" for one in FILES]
    for number, text in enumerate(BACKSTAGE.read(*names)):
        (folder / f"{number}.js").write_bytes(text)
    script = f"console.log(JSON.stringify([...Array({len(FILES)}).keys()].map(n => require(`./${{n}}.js`).default)))"
    ended = subprocess.run([node, "-e", script], cwd=folder, capture_output=True, check=True)
    return {one["$id"]: one for one in json.loads(ended.stdout)}


def faults(schemas: dict[str, Any], text: str) -> list[str]:
    known = jsonschema_rs.Registry(
        [(f"http://backstage/{name}", one) for name, one in schemas.items()],
        draft=jsonschema_rs.Draft7,
    )
    found: list[str] = []
    for entity in yaml.safe_load_all(text):
        schema = schemas[f"{entity['kind'].capitalize()}V1alpha1"]
        validator = jsonschema_rs.Draft7Validator(
            schema, registry=known, base_uri="http://backstage/x", validate_formats=True
        )
        found += [
            f"{entity['metadata']['name']}: {one}"[:300] for one in validator.iter_errors(entity)
        ]
    return found


HOSTILE = {
    "a b": {"labels": {"owner": "not a reference!", "system": "Ünïcode"}},
    "x@y": {"labels": {"application": "-- .. --", "lifecycle": "experimental"}},
    "X-Y": {"labels": {"application": "x-y"}},
    "long": {"labels": {"application": "n" * 200, "bad key": "v", "ok": "v" * 80}},
}  # fmt: skip


@pytest.mark.timeout(300)
def test_what_backstage_reads_is_valid(schemas: dict[str, Any]) -> None:
    hostile = {
        name.replace(" ", "_"): {
            "labels": {key.replace(" ", "."): value for key, value in body["labels"].items()}
        }
        for name, body in HOSTILE.items()
    }
    for tree in (registry(), registry(tree=registry(), endpoints=hostile)):
        assert faults(schemas, catalogue(tree, BASE).yaml()) == []
        assert faults(schemas, location(tree, BASE).yaml()) == []

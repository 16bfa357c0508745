"""The public scenarios of xregistry/spec, where a copy of them is at hand; none is kept here.

`CHAPPE_XREGISTRY_SAMPLES` names their directory: cloudevents/samples/scenarios in a checkout of
xregistry/spec at v1.0-rc4. In a whole checkout, the official models are compared, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chappe.registry.hub_model import hub_model
from tests.spec.cloudevents_registry.travel import (
    exported,
    imported,
    lost,
    normal,
    read,
    sent_and_fetched,
)

NONE = "no scenarios of xregistry/spec: set CHAPPE_XREGISTRY_SAMPLES to their directory"


def _samples() -> list[Path]:
    named = os.environ.get("CHAPPE_XREGISTRY_SAMPLES")
    if named:
        return sorted(Path(named).glob("*.xreg.json"))
    shared = Path(__file__).parents[2].parent / "shared"
    return sorted(shared.rglob("*.xreg.json"))


SAMPLES = _samples()
SPEC = SAMPLES[0].parents[3] if SAMPLES else Path("/nonexistent")
MODELS = [
    SPEC / name / "model.json"
    for name in ("endpoint", "message", "schema")
    if (SPEC / name / "model.json").exists()
]


def _name(path: Path) -> str:
    return path.name.removesuffix(".xreg.json")


samples = pytest.mark.parametrize(
    "path",
    SAMPLES or [pytest.param(Path(), marks=pytest.mark.skip(reason=NONE))],
    ids=_name,
)


@samples
def test_a_public_scenario_comes_back_as_it_went_in(path: Path) -> None:
    document = read(path)

    after = exported(imported(document))

    assert list(lost(normal(document), normal(after))) == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
@samples
def test_a_public_scenario_comes_back_over_http(path: Path, method: str) -> None:
    after = sent_and_fetched(method, path.read_bytes())

    assert list(lost(normal(read(path)), normal(after))) == []


@samples
def test_only_defaults_are_added_to_a_public_scenario(path: Path) -> None:
    document = read(path)

    after = exported(imported(document))

    added = {line.split(".")[-1] for line in lost(normal(after), normal(document))}
    # core/http.md: a document that stands in the JSON gets the media type of it.
    expected = {"contenttype", *_defaulted(hub_model())}
    assert added <= {f"{name}: gone" for name in expected}


@samples
def test_the_export_of_a_public_scenario_can_be_imported(path: Path) -> None:
    first = exported(imported(read(path)))

    second = exported(imported(first))

    assert normal(second) == normal(first)


DIFFERENT = {
    # The target of the official model is a type of message, the text speaks of groups; relative
    # references as the text and the scenarios write them would break that target.
    "endpoints/messagegroups/item": ("target", "/messagegroups"),
}


@pytest.mark.parametrize(
    "path",
    MODELS or [pytest.param(Path(), marks=pytest.mark.skip(reason=NONE))],
    ids=lambda path: path.parent.name,
)
def test_all_that_the_official_model_says_holds_in_ours(path: Path) -> None:
    official = json.loads(path.read_text(encoding="utf-8"))["groups"]
    ours = hub_model()["groups"]

    wrong: list[str] = []
    for plural, group in official.items():
        if "$include" in group:
            continue
        aspects = group.keys() - {"attributes", "resources"}
        wrong += _other_aspects(plural, aspects, group, ours[plural])
        wrong += _differences(plural, group["attributes"], ours[plural]["attributes"])
        for name, resource in group.get("resources", {}).items():
            mine = ours[plural]["resources"][name]
            aspects = resource.keys() - {"attributes"}
            wrong += _other_aspects(f"{plural}/{name}", aspects, resource, mine)
            wrong += _differences(f"{plural}/{name}", resource["attributes"], mine["attributes"])

    assert wrong == []


def _other_aspects(
    path: str, aspects: Iterable[str], official: Mapping[str, Any], ours: Mapping[str, Any]
) -> Iterator[str]:
    for aspect in aspects:
        if official[aspect] != ours.get(aspect):
            yield f"{path}: {aspect} is {ours.get(aspect)!r}, not {official[aspect]!r}"


def _differences(path: str, official: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    for name, definition in official.items():
        if name not in ours:
            yield f"{path}/{name}: missing"
        else:
            yield from _difference(f"{path}/{name}", definition, ours[name])


def _difference(path: str, official: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    aspects = "type target namecharset strict matchversions readonly required default".split()
    for aspect in aspects:
        wanted = official.get(aspect)
        if DIFFERENT.get(path, ("", None))[0] == aspect:
            wanted = DIFFERENT[path][1]
        if (wanted or None) != (ours.get(aspect) or None) or (wanted is None) is not (
            ours.get(aspect) is None
        ):
            yield f"{path}: {aspect} is {ours.get(aspect)!r}, not {wanted!r}"
    if sorted(map(str, official.get("enum", ()))) != sorted(map(str, ours.get("enum", ()))):
        yield f"{path}: enum is {ours.get('enum')}, not {official.get('enum')}"
    yield from _differences(path, official.get("attributes", {}), ours.get("attributes", {}))
    if "item" in official:
        yield from _difference(f"{path}/item", official["item"], ours.get("item", {}))
    for value, block in official.get("ifvalues", {}).items():
        mine = ours.get("ifvalues", {}).get(value, {"siblingattributes": {}})
        yield from _differences(
            f"{path}={value}", block["siblingattributes"], mine["siblingattributes"]
        )


def _defaulted(definitions: Any) -> Iterator[str]:
    """Names of all attributes that have a default."""
    if isinstance(definitions, Mapping):
        for name, definition in definitions.items():
            if isinstance(definition, Mapping) and "default" in definition:
                yield name
            yield from _defaulted(definition)

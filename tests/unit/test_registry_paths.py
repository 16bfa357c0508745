from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.errors import RegistryError
from chappe.registry.paths import expanded, parse_path, short_path
from chappe.registry.target import Level, Target
from tests.unit.registry_model_fixture import DIRS, FILES, MODEL, NOTES


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (b"/", Target(Level.REGISTRY)),
        (b"", Target(Level.REGISTRY)),
        (b"/export", Target(Level.EXPORT)),
        (b"/capabilities/", Target(Level.CAPABILITIES)),
        (b"/capabilitiesoffered", Target(Level.CAPABILITIES_OFFERED)),
        (b"/model", Target(Level.MODEL)),
        (b"/modelsource", Target(Level.MODELSOURCE)),
        (b"/dirs", Target(Level.GROUPS, DIRS)),
        (b"/dirs/", Target(Level.GROUPS, DIRS)),
        (b"/dirs/d1", Target(Level.GROUP, DIRS, "d1")),
        (b"/dirs/d1/files", Target(Level.RESOURCES, DIRS, "d1", FILES)),
        (b"/dirs/d1/files/f1", Target(Level.RESOURCE, DIRS, "d1", FILES, "f1")),
        (
            b"/dirs/d1/files/f1$details",
            Target(Level.RESOURCE, DIRS, "d1", FILES, "f1", details=True),
        ),
        (
            b"/dirs/d1/notes/n1%24details/",
            Target(Level.RESOURCE, DIRS, "d1", NOTES, "n1", details=True),
        ),
        (b"/dirs/d1/files/f1/meta", Target(Level.META, DIRS, "d1", FILES, "f1")),
        (b"/dirs/d1/files/f1/versions", Target(Level.VERSIONS, DIRS, "d1", FILES, "f1")),
        (
            b"/dirs/d1/files/f1/versions/v1$details",
            Target(Level.VERSION, DIRS, "d1", FILES, "f1", "v1", details=True),
        ),
        (b"/dirs/d%31", Target(Level.GROUP, DIRS, "d1")),
        (b"/dirs/a%2Fb", Target(Level.GROUP, DIRS, "a/b")),
    ],
)
def test_a_path_names_a_place_of_the_registry(path: bytes, target: Target) -> None:
    assert parse_path(path, MODEL) == target


@pytest.mark.parametrize(
    ("path", "kind", "subject"),
    [
        (b"/xxx/d1", "not_found", "/xxx"),
        (b"/Dirs", "not_found", "/Dirs"),
        (b"/dirs/d1/Files/f1", "not_found", "/dirs/d1/Files"),
        (b"/dirs/d1/files/f1/Versions/v1", "not_found", "/dirs/d1/files/f1/Versions"),
        (b"/dirs/d1/files/f1/meta/x", "not_found", "/dirs/d1/files/f1/meta/x"),
        (b"/dirs/d1/files/f1/versions/v1/x", "not_found", "/dirs/d1/files/f1/versions/v1/x"),
        (b"/model/foo", "api_not_found", "/model/foo"),
        (b"/export/x", "api_not_found", "/export/x"),
        (b"/dirs$details", "bad_details", "/dirs$details"),
        (b"/dirs/d1$details", "bad_details", "/dirs/d1$details"),
        (b"/dirs/d1/files$details", "bad_details", "/dirs/d1/files$details"),
        (b"/dirs/d1/files/f1/meta$details", "bad_details", "/dirs/d1/files/f1/meta$details"),
        (b"/dirs/d1/files/f1/versions$details", "bad_details", None),
        (b"/model$details", "bad_details", "/model$details"),
        (b"/dirs//files/f1/", "bad_request", "/dirs/"),
        (b"/dirs/d1//f1//", "bad_request", "/dirs/d1/"),
        (b"/dirs/d1/files/$details", "bad_request", "/dirs/d1/files/$details"),
        (b"/dirs/d1/files/f1/versions//", "bad_request", None),
        (b"//", "bad_request", None),
        (b"/dirs/%FF", "bad_request", "/dirs/%FF"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: bytes, kind: str, subject: str | None) -> None:
    with pytest.raises(RegistryError) as refused:
        parse_path(path, MODEL)
    assert refused.value.kind == kind
    assert subject is None or refused.value.subject == subject


@given(st.binary(max_size=60))
def test_any_path_is_read_or_refused(path: bytes) -> None:
    status = 200
    try:
        parse_path(b"/" + path, MODEL)
    except RegistryError as error:
        status = error.status
    assert status in (200, 400, 404)


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        (b"/r/2s", b"/dirs/d1/files/f1"),
        (b"/r/2s$details", b"/dirs/d1/files/f1$details"),
        (b"/r/2s/meta", b"/dirs/d1/files/f1/meta"),
        (b"/dirs/d1", b"/dirs/d1"),
        (b"/r", b"/r"),
    ],
)
def test_a_short_path_stands_for_the_whole_one(path: bytes, whole: bytes) -> None:
    assert expanded(path, {100: "/dirs/d1/files/f1"}.get) == whole


@pytest.mark.parametrize("path", [b"/r/", b"/r/2t", b"/r/-1", b"/r/zzzzzzzzzzzzzz", b"/r/%FF"])
def test_a_short_path_of_no_entity_is_not_found(path: bytes) -> None:
    with pytest.raises(RegistryError) as refused:
        expanded(path, {100: "/dirs/d1"}.get)
    assert refused.value.kind == "not_found"


@given(st.integers(min_value=0, max_value=2**63))
def test_a_short_path_names_its_uid(uid: int) -> None:
    assert expanded(short_path(uid).encode(), {uid: "/dirs/d1"}.get) == b"/dirs/d1"

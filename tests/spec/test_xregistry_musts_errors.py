"""core/spec.md and core/http.md, "Error Processing": the type, code, subject and args of each error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import Registry, Request, delete, get, model_of, patch, post, put

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"
DIR: dict[str, Any] = {"singular": "dir"}
STRICT = {
    "hasdocument": True, "validateformat": True, "validatecompatibility": True,
    "strictvalidation": True,
}  # fmt: skip
NUMBERS = {"format": "numbers", "contenttype": "text/plain", "file": "1 2"}
FEWER = {**NUMBERS, "file": "1"}
KIND = {"kind": {"type": "string"}}
DOCUMENTS = {"groups": {"dirs": {**DIR, "resources": {"files": {"singular": "file"}}}}}


def case(
    kind: str,
    status: int,
    subject: str,
    args: Sequence[str],
    *requests: Request,
    model: Mapping[str, Any] | None = None,
    **capabilities: Any,
) -> Any:
    return pytest.param(kind, status, subject, args, requests, model, capabilities, id=kind)


CASES = [
    case("action_not_supported", 405, f"{N1}/meta", ["action"], put(N1), delete(f"{N1}/meta")),
    case(
        "ancestor_circular_reference", 400, N1, ["list"],
        put(N1, {"versions": {"a": {"ancestorid": "b"}, "b": {"ancestorid": "a"}}}),
    ),
    case(
        "bad_defaultversionid", 400, f"{N1}?setdefaultversionid=", ["value", "error_detail"],
        put(f"{N1}?setdefaultversionid="),
    ),
    case("bad_details", 400, f"{D1}$details", [], put(D1), get(f"{D1}$details")),
    case("bad_filter", 400, "/dirs?filter==", ["value", "error_detail"], get("/dirs?filter==")),
    case("bad_flag", 400, "/dirs?collections", ["flag"], get("/dirs?collections")),
    case("bad_ignore", 400, "/?ignore=x", ["value", "error_detail"], patch("/?ignore=x")),
    case("bad_inline", 400, "/?inline=x*", ["value", "error_detail"], get("/?inline=x*")),
    case("bad_request", 400, "/", ["error_detail"], patch("/", {"dirs": {"d1": None}})),
    case("bad_sort", 400, "/dirs?sort=a..b", ["value", "error_detail"], get("/dirs?sort=a..b")),
    case(
        "cannot_doc_xref", 400, N1, [],
        put(f"{N1}/meta", {"xref": f"{N1}x"}), get(f"{N1}/versions?doc"),
    ),
    case(
        "capability_error", 400, "/capabilities", ["error_detail"],
        patch("/capabilities", {"formats": ["x"]}),
    ),
    case(
        "capability_missing_value", 400, "/capabilities", ["name", "value"],
        patch("/capabilities", {"specversions": []}),
    ),
    case(
        "capability_unknown", 400, "/capabilities", ["field"], patch("/capabilities", {"x": 1})
    ),
    case(
        "capability_value", 400, "/capabilities", ["field", "list", "value"],
        patch("/capabilities", {"flags": ["x"]}),
    ),
    case(
        "capability_wildcard", 400, "/capabilities", ["field"],
        patch("/capabilities", {"flags": ["*", "doc"]}),
    ),
    case(
        "compatibility_unknown", 400, F1, ["compat", "format"],
        put(F1_META, {**NUMBERS, "meta": {"compatibility": "full_transitive"}}),
        model=model_of(STRICT),
    ),
    case(
        "compatibility_violation", 400, F1, ["compat"],
        put(
            F1_META,
            {"meta": {"compatibility": "backward"}, "versions": {"a": NUMBERS, "b": FEWER}},
        ),
        model=model_of(STRICT),
    ),
    case(
        "constraint_failure", 400, F1, ["kind", "path"],
        put(F1, {"kind": "b"}),
        model=model_of({"attributes": KIND}, constraints={"files.kind": {"enum": ["a"]}}),
    ),
    case(
        "extra_xref_attribute", 400, N1, ["name", "singular"],
        put(N1, {"kind": "k", "meta": {"xref": N1}}),
    ),
    case(
        "format_external", 400, f"{F1}/versions/1", [],
        put(F1_META, {"format": "numbers", "fileurl": "https://a.example"}),
        model=model_of(STRICT),
    ),
    case(
        "format_unknown", 400, f"{F1}/versions/1", ["format"],
        put(F1_META, {**NUMBERS, "format": "x"}), model=model_of(STRICT),
    ),
    case(
        "format_violation", 400, f"{F1}/versions/1", ["format"],
        put(F1_META, {**NUMBERS, "file": "x"}), model=model_of(STRICT),
    ),
    case("groups_only", 400, "/", ["name"], post("/", {"name": "x"})),
    case(
        "hasdocument_violation", 400, f"{F1}/versions/1", ["plural"],
        put(F1, b"x"), put("/modelsource", model_of()), model=DOCUMENTS,
    ),
    case("inline_noninlineable", 400, "/?inline=name", ["name"], get("/?inline=name")),
    case("invalid_attribute", 400, D1, ["error_detail", "name"], put(D1, {"name": 5})),
    case("malformed_id", 400, "/dirs/.d", ["error_detail", "id"], put("/dirs/.d")),
    case(
        "malformed_xref", 400, f"{N1}/meta", ["error_detail", "xref"],
        put(f"{N1}/meta", {"xref": "x"}),
    ),
    case(
        "mismatched_epoch", 400, D1, ["bad_epoch", "epoch"], put(D1), put(D1, {"epoch": 9})
    ),
    case(
        "mismatched_id", 400, D1, ["expected_id", "invalid_id", "singular"],
        put(D1, {"dirid": "x"}),
    ),
    case(
        "mismatched_version_attribute", 400, F1, ["name"],
        put(F1, {"versions": {"a": {"kind": "k"}, "b": {"kind": "l"}}}),
        model=model_of({"attributes": {"kind": {"type": "string", "matchversions": True}}}),
    ),
    case("misplaced_epoch", 400, N1, [], put(N1), delete(f"{D1}/notes", {"n1": {"epoch": 1}})),
    case(
        "model_compliance_error", 400, "/model", [],
        put(F1), put("/modelsource", {}), model=model_of(),
    ),
    case("model_error", 400, "/model", ["error_detail"], put("/modelsource", {"x": 1})),
    case(
        "model_required_true", 400, "/model", ["name"],
        put("/modelsource", {"attributes": {"a": {"type": "string", "default": "x"}}}),
    ),
    case(
        "model_scalar_default", 400, "/model", ["name"],
        put(
            "/modelsource",
            {"attributes": {"a": {"type": "object", "default": {}, "required": True}}},
        ),
    ),
    case(
        "multiple_roots", 400, F1, ["plural"],
        put(F1, {"versions": {"a": {"ancestorid": "a"}, "b": {"ancestorid": "b"}}}),
        model=model_of({"singleversionroot": True}),
    ),
    case(
        "not_available", 400, "/export", [], get("/export"),
        available={"capabilities": {"mutable": True}, "entities": {"mutable": True},
                   "model": {"mutable": False}},
    ),
    case("not_found", 404, D1, [], get(D1)),
    case("one_resource", 400, f"{F1}/versions/1", ["list"], put(F1_META, {"file": 1, "fileurl": "x"})),
    case("parsing_data", 400, D1, ["error_detail"], put(D1, b"{")),
    case(
        "required_attribute_missing", 400, D1, ["list"], put(D1),
        model={
            "groups": {"dirs": {**DIR, "attributes": {"a": {"type": "string", "required": True}}}}
        },
    ),
    case("resources_only", 400, D1, ["name"], post(D1, {"name": "x"})),
    case(
        "setdefaultversionsticky_false", 400, F1, [],
        put(F1, {"meta": {"defaultversionsticky": True}}), model=model_of({"maxversions": 1}),
    ),
    case("sort_noncollection", 400, "/?sort=name", [], get("/?sort=name")),
    case(
        "too_many_versions", 400, f"{N1}/versions?setdefaultversionid=request", [],
        post(f"{N1}/versions?setdefaultversionid=request", {"a": {}, "b": {}}),
    ),
    case("unknown_attribute", 400, D1, ["name"], put(D1, {"x": 1})),
    case(
        "unknown_id", 400, f"{N1}/versions/a", ["id", "singular"],
        put(N1, {"versions": {"a": {"ancestorid": "x"}}}),
    ),
    case(
        "unsupported_specversion", 400, "/?specversion=9", ["list", "specversion"],
        get("/?specversion=9"),
    ),
    case(
        "versionid_not_allowed", 400, F1, ["plural"],
        put(f"{F1}/versions/v1"), model=model_of({"setversionid": False}),
    ),
    case("api_not_found", 404, "/model/x", [], get("/model/x")),
    case("details_required", 405, F1, [], put(F1), patch(F1)),
    case(
        "extra_xregistry_header", 400, F1_META, ["error_detail", "name"],
        put(F1_META, {}, xRegistry_name="x"),
    ),
    case(
        "header_error", 400, F1, ["error_detail", "name"], put(F1, b"", xRegistry_name="%C0%A0")
    ),
    case("missing_body", 400, D1, [], put(D1, b"")),
    case("missing_versions", 400, f"{N1}/versions", [], post(f"{N1}/versions", {})),
]  # fmt: skip

HTTP = {
    "api_not_found", "details_required", "extra_xregistry_header", "header_error", "missing_body",
    "missing_versions",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "subject", "args", "requests", "model", "capabilities"), CASES
)
def test_error_processing_of(
    kind: str,
    status: int,
    subject: str,
    args: Sequence[str],
    requests: Sequence[Request],
    model: Mapping[str, Any] | None,
    capabilities: Mapping[str, Any],
) -> None:
    registry = Registry(**capabilities) if model is None else Registry(model, **capabilities)
    for request in requests[:-1]:
        registry.done(request)
    answer = registry.refusal(requests[-1])
    error = answer.json
    document = "http" if kind in HTTP else "spec"
    assert error["type"] == f"https://github.com/xregistry/spec/blob/main/core/{document}.md#{kind}"
    assert answer.status == status
    assert error["subject"] == subject or error["subject"] == subject.partition("?")[0]
    assert sorted(error.get("args", {})) == sorted(args)
    assert error["title"]
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert answer.header("link") == f"<{BASE}>;rel=xregistry-root"


@pytest.mark.parametrize(
    ("kind", "status", "subject", "args", "requests", "model", "capabilities"), CASES
)
def test_error_processing_the_title_has_the_values_of_args_in_it(
    kind: str,
    status: int,
    subject: str,
    args: Sequence[str],
    requests: Sequence[Request],
    model: Mapping[str, Any] | None,
    capabilities: Mapping[str, Any],
) -> None:
    registry = Registry(**capabilities) if model is None else Registry(model, **capabilities)
    for request in requests[:-1]:
        registry.done(request)
    error = registry.refusal(requests[-1]).json
    assert "subject" not in error.get("args", {})
    for value in error.get("args", {}).values():
        assert isinstance(value, str)
        assert value in error["title"] or repr(value)[1:-1] in error["title"]

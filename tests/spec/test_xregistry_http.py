"""xRegistry core/http.md: routes, methods, statuses and headers of the registry's API."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from chappe.http.registry.asked import Edge
from tests.spec.xregistry_client import BASE, MODEL, Client, client_with_model

JSON = "application/json; charset=utf-8"
READ = "GET, HEAD, OPTIONS"
PLACES = {
    "/": "GET, HEAD, OPTIONS, PATCH, POST, PUT",
    "/export": READ,
    "/capabilities": "GET, HEAD, OPTIONS, PATCH, PUT",
    "/capabilitiesoffered": READ,
    "/model": READ,
    "/modelsource": "GET, HEAD, OPTIONS, PUT",
    "/.xregistry": READ,
    "/dirs": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/dirs/d1": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    "/dirs/d1/files": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/dirs/d1/files/f1": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "/dirs/d1/files/f1$details": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    "/dirs/d1/notes/n1": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    "/dirs/d1/files/f1/meta": "GET, HEAD, OPTIONS, PATCH, PUT",
    "/dirs/d1/files/f1/versions": "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    "/dirs/d1/files/f1/versions/1": "DELETE, GET, HEAD, OPTIONS, PUT",
    "/dirs/d1/files/f1/versions/1$details": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
}


@pytest.fixture
def client() -> Client:
    client = client_with_model()
    assert (
        client("PUT", "/dirs/d1/files/f1", b"hello", {"Content-Type": "text/plain"}).status == 201
    )
    assert client("PUT", "/dirs/d1/notes/n1", {"name": "one"}).status == 201
    return client


# --- "HTTP OPTIONS Method", and methods that a path does not have


@pytest.mark.parametrize(("path", "methods"), PLACES.items())
def test_options_tells_the_methods_of_a_path(client: Client, path: str, methods: str) -> None:
    answer = client("OPTIONS", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("allow") == methods
    assert answer.header("access-control-allow-methods") == methods


@pytest.mark.parametrize(("path", "methods"), PLACES.items())
def test_other_methods_are_not_supported_and_told_so(
    client: Client, path: str, methods: str
) -> None:
    for method in {"PUT", "PATCH", "POST", "DELETE", "TRACE"} - set(methods.split(", ")):
        answer = client(method, path, {})
        assert answer.status == 405
        details = method == "PATCH" and path in (
            "/dirs/d1/files/f1",
            "/dirs/d1/files/f1/versions/1",
        )
        assert answer.kind == ("details_required" if details else "action_not_supported")
        assert answer.header("allow") == methods
        assert answer.json["subject"] == path


@pytest.mark.parametrize("path", PLACES)
def test_what_can_be_read_is_read_and_head_is_get(client: Client, path: str) -> None:
    answer = client("GET", path)
    assert answer.status == 200
    assert client("HEAD", path).response == answer.response


def test_options_has_no_writes_where_nothing_is_mutable(client: Client) -> None:
    available = {name: {"mutable": False} for name in client.tree.capabilities["available"]}
    client.tree = replace(
        client.tree, capabilities={**client.tree.capabilities, "available": available}
    )
    for path in PLACES:
        assert client("OPTIONS", path).header("allow") == READ
        if path != "/.xregistry":
            assert client("PUT", path, {}).status == 405


@pytest.mark.parametrize("path", ["/export", "/capabilitiesoffered", "/modelsource", "/.xregistry"])
def test_what_is_not_available_is_so_by_every_way(path: str) -> None:
    client = Client()
    assert client("PUT", "/capabilities", {"available": {}, "flags": ["inline"]}).status == 200
    answer = client("GET", path)
    assert (answer.status, answer.kind, answer.json["subject"]) == (400, "not_available", path)
    assert client("GET", "/?inline=modelsource").kind == "not_available"


@pytest.mark.parametrize("name", ["capabilities", "modelsource"])
def test_what_is_not_mutable_is_not_changed_by_way_of_the_registry(name: str) -> None:
    client = client_with_model()
    available = {**client.tree.capabilities["available"], name: {"mutable": False}}
    client.tree = replace(
        client.tree, capabilities={**client.tree.capabilities, "available": available}
    )
    before = client("GET", f"/{name}").json
    for method in ("PUT", "PATCH"):
        assert client(method, "/", {"name": method, name: None}).json["name"] == method
        assert client("GET", f"/{name}").json == before


def test_what_is_not_available_is_not_changed_by_way_of_the_registry() -> None:
    client = Client()
    body = {"available": {"capabilities": {"mutable": True}}, "flags": ["*"], "ignores": ["*"]}
    assert client("PUT", "/capabilities", body).status == 200
    assert client("PUT", "/", {"modelsource": MODEL}).kind == "not_available"
    assert client("PUT", "/?ignore=modelsource", {"modelsource": MODEL}).status == 200
    assert "dirs" not in client.tree.model.groups


# --- "xRegistry Root HTTP Header", content types, CORS


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/dirs/d1/files/f1"), ("GET", "/xxx"), ("DELETE", "/dirs/d1"),
     ("PUT", "/dirs"), ("OPTIONS", "/dirs"), ("PUT", "/dirs/d1")],
)  # fmt: skip
def test_every_response_tells_the_root_of_the_registry(
    client: Client, method: str, path: str
) -> None:
    answer = client(method, path)
    assert answer.headers("link") == [f"<{BASE}>;rel=xregistry-root"]
    assert answer.header("access-control-allow-origin") == "*"


def test_metadata_and_errors_are_json_in_utf_8(client: Client) -> None:
    for path in ("/", "/model", "/dirs/d1/files/f1$details", "/xxx"):
        assert client("GET", path).header("content-type") == JSON


# --- "Creating or Updating Entities": bodies, 201, Location


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/"), ("PATCH", "/"), ("POST", "/"), ("PUT", "/capabilities"),
        ("PATCH", "/capabilities"), ("PUT", "/modelsource"), ("POST", "/dirs"),
        ("PATCH", "/dirs"), ("PUT", "/dirs/d1"), ("POST", "/dirs/d1"), ("POST", "/dirs/d1/files"),
        ("PUT", "/dirs/d1/files/f1$details"), ("POST", "/dirs/d1/files/f1$details"),
        ("PUT", "/dirs/d1/notes/n1"), ("PUT", "/dirs/d1/files/f1/meta"),
        ("POST", "/dirs/d1/files/f1/versions"), ("PATCH", "/dirs/d1/files/f1/versions/1$details"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_metadata_is_never_an_empty_body(
    client: Client, method: str, path: str, body: bytes
) -> None:
    answer = client(method, path, body)
    assert (answer.status, answer.kind, answer.json["subject"]) == (400, "missing_body", path)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b"{", b'{"a":1,"a":2}'])
def test_metadata_is_one_json_object(client: Client, body: bytes) -> None:
    answer = client("PUT", "/dirs/d1", body)
    assert (answer.status, answer.kind) == (400, "parsing_data")


def test_null_is_an_empty_model_source() -> None:
    client = client_with_model()
    answer = client("PUT", "/modelsource", b"null")
    assert (answer.status, answer.json) == (200, {})


def test_json_schema_keyword_is_ignored(client: Client) -> None:
    answer = client("PUT", "/dirs/d1", {"$schema": "http://x", "name": "a"})
    assert answer.status == 200
    assert "$schema" not in answer.json


def test_a_model_source_is_shown_as_it_was_sent() -> None:
    source = {"$schema": "http://x", **MODEL}
    client = Client()
    assert client("PUT", "/modelsource", source).json == source
    assert client("GET", "/modelsource").json == source


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/dirs/d2", "/dirs/d2"),
        ("/dirs/d2/files/f", "/dirs/d2/files/f"),
        ("/dirs/d2/files/f$details", "/dirs/d2/files/f$details"),
        ("/dirs/d2/notes/n$details", "/dirs/d2/notes/n"),
        ("/dirs/d2/files/f/versions/v", "/dirs/d2/files/f/versions/v"),
        ("/dirs/d2/files/f/versions/v$details", "/dirs/d2/files/f/versions/v$details"),
    ],
)
def test_what_is_created_is_201_at_its_self(client: Client, path: str, location: str) -> None:
    answer = client("PUT", path, {})
    assert answer.status == 201
    assert answer.header("location") == BASE + location
    shown = answer.header("xregistry-self") or answer.json["self"]
    assert shown == BASE + location
    again = client("PUT", path, {})
    assert (again.status, again.header("location")) == (200, None)


def test_a_post_to_a_resource_creates_a_version_at_its_self(client: Client) -> None:
    answer = client("POST", "/dirs/d1/files/f1", b"two")
    assert answer.status == 201
    assert answer.header("location") == f"{BASE}/dirs/d1/files/f1/versions/2"
    assert answer.header("content-location") == f"{BASE}/dirs/d1/files/f1/versions/2"
    answer = client("POST", "/dirs/d1/files/f1$details", {})
    assert answer.header("location") == f"{BASE}/dirs/d1/files/f1/versions/3$details"


def test_collections_are_200_even_if_all_of_it_is_new(client: Client) -> None:
    answer = client("POST", "/dirs", {"d7": {}, "d8": {}})
    assert (answer.status, answer.header("location")) == (200, None)
    assert set(answer.json) == {"d7", "d8"}


def test_a_version_that_a_write_made_is_the_content_location(client: Client) -> None:
    answer = client("PUT", "/dirs/d3/files/f3", b"x")
    assert answer.header("content-location") == f"{BASE}/dirs/d3/files/f3/versions/1"
    answer = client("PATCH", "/dirs/d3/files/f3$details", {"versions": {"b": {}}})
    assert answer.header("content-location") == f"{BASE}/dirs/d3/files/f3/versions/b$details"
    answer = client("PUT", "/dirs/d1/notes/n9", {})
    assert answer.header("content-location") == f"{BASE}/dirs/d1/notes/n9/versions/1"


def test_deleting_shows_nothing(client: Client) -> None:
    answer = client("DELETE", "/dirs/d1")
    assert (answer.status, answer.body) == (204, b"")
    assert client("GET", "/dirs/d1").status == 404


def test_an_empty_map_deletes_nothing_and_no_map_all(client: Client) -> None:
    assert client("DELETE", "/dirs", {}).status == 204
    assert client("GET", "/dirs/d1").status == 200
    assert client("DELETE", "/dirs", headers={"Content-Length": "0"}).status == 204
    assert client("GET", "/dirs").json == {}


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "2"}])
def test_a_map_that_was_lost_on_the_way_deletes_nothing(
    client: Client, headers: dict[str, str]
) -> None:
    assert client("DELETE", "/dirs", headers=headers).kind == "missing_body"
    assert client("GET", "/dirs/d1").status == 200


def test_a_refused_write_changes_nothing(client: Client) -> None:
    before = client.tree
    answer = client("PUT", "/?inline=xxx", {"name": "changed"})
    assert answer.kind == "inline_noninlineable"
    assert answer.written is None
    assert client.tree is before


def test_inline_names_what_the_request_itself_brings() -> None:
    client = Client()
    answer = client("PUT", "/?inline=dirs", {"modelsource": MODEL, "dirs": {"d1": {}}})
    assert answer.status == 200
    assert set(answer.json["dirs"]) == {"d1"}


def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    client.edge = replace(client.edge, body_bytes=10)
    answer = client("PUT", "/dirs/d1/files/f1", b"x" * 11)
    assert answer.status == 413
    assert answer.json["subject"] == "/dirs/d1/files/f1"


# --- "Serializing Resource Domain-Specific Documents"


def test_a_document_is_its_bytes_with_its_attributes_beside_it(client: Client) -> None:
    answer = client("GET", "/dirs/d1/files/f1")
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.header("content-type") == "text/plain"
    assert answer.header("content-disposition") == "f1"
    assert answer.header("content-location") == f"{BASE}/dirs/d1/files/f1/versions/1"
    shown = {
        name.decode().removeprefix("xregistry-"): value.decode()
        for name, value in answer.response.headers
        if name.startswith(b"xregistry-")
    }
    assert shown == {
        "fileid": "f1",
        "versionid": "1",
        "self": f"{BASE}/dirs/d1/files/f1",
        "xid": "/dirs/d1/files/f1",
        "epoch": "1",
        "isdefault": "true",
        "createdat": shown["createdat"],
        "modifiedat": shown["createdat"],
        "ancestorid": "1",
        "metaurl": f"{BASE}/dirs/d1/files/f1/meta",
        "versionsurl": f"{BASE}/dirs/d1/files/f1/versions",
        "versionscount": "1",
    }


def test_a_version_s_document_has_no_attributes_of_its_resource(client: Client) -> None:
    answer = client("GET", "/dirs/d1/files/f1/versions/1")
    assert answer.body == b"hello"
    assert answer.header("content-disposition") == "f1"
    assert answer.header("xregistry-metaurl") is None
    assert answer.header("xregistry-self") == f"{BASE}/dirs/d1/files/f1/versions/1"


def test_attributes_go_in_and_out_as_percent_encoded_headers(client: Client) -> None:
    headers = {
        "xRegistry-name": "Euro%20%E2%82%AC",
        "xRegistry-labels.a.b": '"x y"',
        "xRegistry-count": "5",
    }
    answer = client("PUT", "/dirs/d1/files/f1", b"hello", headers)
    assert answer.status == 200
    assert answer.header("xregistry-name") == "Euro%20%E2%82%AC"
    assert answer.header("xregistry-labels.a.b") == "x%20y"
    details = client("GET", "/dirs/d1/files/f1$details").json
    assert details["name"] == "Euro €"
    assert details["labels"] == {"a.b": "x y"}
    assert "contenttype" not in details


def test_a_document_elsewhere_is_303(client: Client) -> None:
    url = "http://example.com/a%20b?x=y"
    created = client(
        "PUT", "/dirs/d1/files/f2", b"", {"xRegistry-fileurl": url.replace("%", "%25")}
    )
    assert created.status == 201
    assert created.header("location") == f"{BASE}/dirs/d1/files/f2"
    for path in ("/dirs/d1/files/f2", "/dirs/d1/files/f2/versions/1"):
        answer = client("GET", path)
        assert (answer.status, answer.body) == (303, b"")
        assert answer.header("location") == url
        assert answer.header("xregistry-fileurl") == url.replace("%", "%25")
    again = client("PUT", "/dirs/d1/files/f2", b"", {"xRegistry-name": "x"})
    assert again.header("location") in (url, None)


def test_attributes_are_either_headers_or_the_body(client: Client) -> None:
    for path in ("/dirs/d1/files/f1$details", "/dirs/d1", "/dirs/d1/notes/n1", "/"):
        answer = client("PUT", path, {}, {"xRegistry-name": "x"})
        assert (answer.status, answer.kind) == (400, "extra_xregistry_header")


def test_the_document_view_of_a_document_is_metadata(client: Client) -> None:
    answer = client("GET", "/dirs/d1/files/f1?doc")
    assert answer.header("content-type") == JSON
    assert answer.json["fileid"] == "f1"


def test_a_document_that_the_filter_does_not_choose_is_not_found(client: Client) -> None:
    assert client("GET", "/dirs/d1/files/f1?filter=versionid=1").body == b"hello"
    assert client("GET", "/dirs/d1/files/f1?filter=versionid=2").status == 404


def test_a_document_cannot_act_in_a_browser(client: Client) -> None:
    client("PUT", "/dirs/d1/files/x", b"<script>", {"Content-Type": "text/html"})
    answer = client("GET", "/dirs/d1/files/x")
    assert answer.header("content-type") == "text/html"
    assert answer.header("x-content-type-options") == "nosniff"
    assert "sandbox" in (answer.header("content-security-policy") or "")


def test_a_content_type_that_is_no_header_is_not_sent(client: Client) -> None:
    body = {"contenttype": "text/plain\r\nx-evil: 1", "filebase64": "eA=="}
    assert client("PUT", "/dirs/d1/files/x$details", body).status == 201
    answer = client("GET", "/dirs/d1/files/x")
    assert answer.body == b"x"
    assert answer.header("content-type") is None


# --- capabilities, "xRegistry Discovery", shortself


def test_capabilities_that_a_write_of_the_registry_sets_shape_its_answer() -> None:
    client = Client()
    answer = client("PATCH", "/?inline=capabilities", {"capabilities": {"flags": None}})
    assert "capabilities" not in answer.json
    answer = client("PATCH", "/?inline=capabilities", {"capabilities": {"flags": ["inline"]}})
    assert answer.json["capabilities"]["flags"] == ["inline"]


def test_capabilities_offered_tells_types() -> None:
    offered = Client()("GET", "/capabilitiesoffered").json
    assert offered["shortself"] == {"type": "boolean", "enum": [False, True]}
    assert offered["versionmodes"]["enum"] == ["createdat", "manual", "modifiedat", "semver"]


def test_discovery_lists_registries() -> None:
    client = Client()
    assert client("GET", "/.xregistry").json == {"registries": [BASE]}
    client.edge = Edge(registries=["https://other.example"])
    assert client("GET", "/.xregistry").json == {"registries": ["https://other.example"]}
    assert client("PUT", "/.xregistry", {}).status == 405


def test_a_short_path_answers_as_the_whole_one(client: Client) -> None:
    client.edge = Edge(find={100: "/dirs/d1/files/f1"}.get)
    assert client("GET", "/r/2s").body == b"hello"
    assert client("GET", "/r/2s$details?inline=meta").json["meta"]["fileid"] == "f1"
    assert client("PUT", "/r/2s", b"two").status == 200
    assert client("GET", "/dirs/d1/files/f1").body == b"two"
    assert client("GET", "/r/zz").status == 404


# --- RFC 9110: validators, gzip


def test_what_has_not_changed_is_304(client: Client) -> None:
    for path in ("/", "/model", "/dirs", "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/files/f1/meta"):
        tag = client("GET", path).header("etag")
        assert tag is not None
        answer = client("GET", path, headers={"If-None-Match": f'"x", W/{tag}'})
        assert (answer.status, answer.body) == (304, b"")
        assert answer.header("etag") == tag
        assert client("GET", path, headers={"If-None-Match": '"x"'}).status == 200


def test_another_view_has_another_tag(client: Client) -> None:
    tag = client("GET", "/dirs/d1").header("etag") or ""
    answer = client("GET", "/dirs/d1?inline", headers={"If-None-Match": tag})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", {"name": "x"}),
        ("/dirs/d1", {"name": "x"}),
        ("/dirs/d1/files/f1", b"new"),
        ("/dirs/d1/files/f1$details", {"name": "x"}),
        ("/dirs/d1/files/f1/versions/1", b"new"),
        ("/dirs/d1/files/f1/meta", {"labels": {"a": "b"}}),
        ("/capabilities", {"available": {"capabilities": {"mutable": True}}}),
        ("/modelsource", {**MODEL, "description": "x"}),
    ],
)
def test_a_write_can_be_bound_to_what_was_read(client: Client, path: str, body: object) -> None:
    tag = client("GET", path).header("etag") or ""
    first = client("PUT", path, body, {"If-Match": tag})
    assert first.status == 200
    second = client("PUT", path, body, {"If-Match": tag})
    assert second.status == 412
    assert second.json["subject"] == path
    if first.header("etag") is not None:
        assert client("PUT", path, body, {"If-Match": first.header("etag") or ""}).status == 200


def test_a_tag_of_any_view_guards_an_entity(client: Client) -> None:
    tag = client("GET", "/dirs/d1?inline=*").header("etag") or ""
    assert client("PATCH", "/dirs/d1", {"name": "x"}, {"If-Match": tag}).status == 200


def test_creating_can_be_bound_to_there_being_nothing(client: Client) -> None:
    assert client("PUT", "/dirs/d9", {}, {"If-None-Match": "*"}).status == 201
    assert client("PUT", "/dirs/d9", {}, {"If-None-Match": "*"}).status == 412
    assert client("PUT", "/dirs/d10", {}, {"If-Match": "*"}).status == 412
    assert client("DELETE", "/dirs/d9", headers={"If-Match": "*"}).status == 204


def test_long_json_is_gzipped_for_who_takes_it(client: Client) -> None:
    plain = client("GET", "/model")
    packed = client("GET", "/model", headers={"Accept-Encoding": "br;q=1, gzip;q=0.5"})
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.header("etag") != plain.header("etag")
    assert plain.header("vary") == packed.header("vary") == "accept-encoding"
    headers = {"Accept-Encoding": "gzip", "If-None-Match": packed.header("etag") or ""}
    assert client("GET", "/model", headers=headers).status == 304


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "*;q=0", "gzip;q=x"])
def test_who_does_not_take_gzip_gets_none(client: Client, accepted: str) -> None:
    answer = client("GET", "/model", headers={"Accept-Encoding": accepted})
    assert answer.header("content-encoding") is None


def test_what_is_short_or_packed_already_is_not_gzipped(client: Client) -> None:
    take = {"Accept-Encoding": "gzip"}
    assert client("GET", "/dirs", headers=take).header("content-encoding") is None
    client("PUT", "/dirs/d1/files/png", b"x" * 5000, {"Content-Type": "image/png"})
    assert client("GET", "/dirs/d1/files/png", headers=take).body == b"x" * 5000


def test_errors_have_the_form_of_the_specification(client: Client) -> None:
    error = client("GET", "/dirs/nope").json
    assert error["type"] == "https://github.com/xregistry/spec/blob/main/core/spec.md#not_found"
    assert error["subject"] == "/dirs/nope"
    assert error["title"]
    assert error.keys() <= {"type", "title", "detail", "subject", "args", "source", "instance"}


def test_texts_in_urls_are_shown_as_texts(client: Client) -> None:
    answer = client("GET", "/dirs/e%C3%A9")
    assert answer.status == 404
    assert json.loads(answer.body)["subject"].startswith("/dirs/e")

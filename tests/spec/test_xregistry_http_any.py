"""Whatever is asked, the registry answers: in its own form, and without a failure of its own."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.xregistry_client import Answer, Client, client_with_model

NAMES = st.sampled_from(
    [
        "dirs", "d1", "D1", "files", "notes", "f1", "n1", "meta", "versions", "1", "v 2", "$details",
        "f1$details", "model", "modelsource", "capabilities", "export", "r", "..", "%", "%2F", "%FF",
        "é", "x" * 200, "", "null", "request",
    ]
)  # fmt: skip
PLACES = st.sampled_from(
    [
        "/", "/model", "/modelsource", "/capabilities", "/export", "/dirs", "/dirs/d1", "/dirs/d2",
        "/dirs/d1/files", "/dirs/d1/files/f1", "/dirs/d1/files/f1$details", "/dirs/d1/notes",
        "/dirs/d1/notes/n1", "/dirs/d1/files/f1/meta", "/dirs/d1/files/f1/versions",
        "/dirs/d1/files/f1/versions/1", "/dirs/d1/files/f1/versions/v2$details",
        "/dirs/d2/files/f2", "/dirs/d2/files/f2/versions/v", "/dirs/d1/notes/n1/versions",
    ]
)  # fmt: skip
PATHS = PLACES | st.lists(NAMES, max_size=7).map(lambda parts: "/" + "/".join(parts))
FLAGS = st.sampled_from(
    [
        "inline", "inline=*", "inline=dirs.files.file", "inline=files.meta,files.versions", "doc",
        "binary", "collections", "filter=name=x*", "filter=dirs.files.epoch>0", "filter=labels['a']",
        "filter=excludeall", "filter=versions.x[0]", "sort=name", "sort=labels.a=desc", "limit=1",
        "cursor=WzAsMSwiZDEiLDBd", "epoch=1", "ignore", "ignore=epoch,id", "specversion=1.0-rc4",
        "setdefaultversionid=1", "setdefaultversionid=null", "setdefaultversionid=request",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "name", "labels", "epoch", "dirid", "fileid", "versionid", "dirs", "files", "notes", "meta",
        "versions", "d1", "f1", "n1", "1", "v2", "file", "filebase64", "fileurl", "contenttype",
        "createdat", "modifiedat", "ancestorid", "defaultversionid", "defaultversionsticky", "xref",
        "capabilities", "modelsource", "flags", "groups", "singular", "attributes", "deprecated",
        "constraints", "*", "", "A", ".secret", "x y", "$schema",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["x", "", "1", "v2", "/dirs/d1/files/f1", "2026-01-01T00:00:00Z", "eA==", "é"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
BODIES = VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "xRegistry-name",
            "xRegistry-labels.a",
            "xRegistry-epoch",
            "xRegistry-fileurl",
            "xRegistry-versionid",
            "xRegistry-",
            "If-Match",
            "If-None-Match",
            "Accept-Encoding",
            "Content-Length",
        ]
    ),
    st.sampled_from(["null", "x", "1", '"x"', "*", "%20", "%", "gzip", "application/json", ""]),
    max_size=3,
)
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE", "FOO"])
REQUESTS = st.tuples(METHODS, PATHS, st.lists(FLAGS, max_size=3), BODIES, HEADERS)


def check(answer: Answer) -> None:
    assert 200 <= answer.status < 500
    for name, value in answer.response.headers:
        assert name == name.lower()
        assert not set(name + value) & set(b"\r\n\0")
    assert answer.headers("link")
    if answer.status >= 400:
        error = answer.json
        assert error["type"]
        assert error["title"]
        assert answer.written is None


@settings(max_examples=100, deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_any_request_is_answered(
    requests: list[tuple[str, str, list[str], bytes, dict[str, str]]],
) -> None:
    client: Client = client_with_model(pagination=True, shortself=True)
    client("PUT", "/dirs/d1/files/f1", b"{}", {"Content-Type": "application/json"})
    client("PUT", "/dirs/d1/notes/n1", {"name": "x"})
    for method, path, flags, body, headers in requests:
        check(client(method, f"{path}?{'&'.join(flags)}", body, headers))
    check(client("GET", "/export"))
    check(client("GET", "/?inline"))

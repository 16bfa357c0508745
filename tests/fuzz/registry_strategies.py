"""Requests to the registry, from nearly right ones to noise, as hypothesis strategies."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

from chappe.http.exchange import Header
from tests.fuzz.registry import Sent
from tests.fuzz.strategies import mutated

METHODS = st.sampled_from(
    ["GET", "PUT", "PATCH", "POST", "DELETE"] * 4 + ["HEAD", "OPTIONS", "TRACE", "put", ""]
)

GROUPS = ["dirs", "shelves"]
RESOURCES = ["files", "notes", "releases", "forms"]
IDS = ["d1", "s1", "f1", "f2", "n1", "r1", "m1", "v1", "v2", "1", "2", "3", "1.0.0", "new", "D1"]

ids = st.one_of(
    st.sampled_from(IDS),
    st.sampled_from(
        ["", ".", "..", "~", "é", "x" * 128, "x" * 129, "a b", "$details", "null", "request", "*",
         "meta", "versions", "1" * 128, f"1.{'9' * 100}.0", "1.0.0-rc.10", "01.0.0", "\u0130", "ß"]
    ),
    st.text(max_size=6),
)  # fmt: skip
_encoded = ids.map(lambda id: id.encode("utf-8", "surrogatepass"))
_odd_parts = st.sampled_from(
    [
        b"%2F",
        b"%",
        b"%zz",
        b"%FF",
        b"%00",
        b"%ED%A0%80",
        b"%25",
        b"\xff",
        b"\x00",
        b"a%20b",
        b"$details",
    ]
)
parts = st.one_of(
    _encoded, _odd_parts, st.sampled_from([one.encode() for one in GROUPS + RESOURCES])
)


@st.composite
def good_paths(draw: st.DrawFn) -> bytes:
    """Paths of what is there, or may be made."""
    id = st.sampled_from(IDS)
    pieces = [draw(st.sampled_from(GROUPS))]
    depth = draw(st.integers(0, 5))
    if depth > 0:
        pieces.append(draw(id))
    if depth > 1:
        pieces.append(draw(st.sampled_from(RESOURCES)))
    if depth > 2:
        pieces.append(draw(id))
    if depth > 3:
        pieces.append(draw(st.sampled_from(["versions", "versions", "meta"])))
    if depth > 4 and pieces[-1] == "versions":
        pieces.append(draw(id))
    details = draw(st.sampled_from(["", "", "$details"])) if len(pieces) in (4, 6) else ""
    return ("/" + "/".join(pieces) + details).encode()


paths = st.one_of(
    good_paths(),
    good_paths(),
    st.sampled_from(
        [b"/", b"", b"//", b"/export", b"/model", b"/modelsource", b"/capabilities", b"/.xregistry",
         b"/capabilitiesoffered", b"/r/1", b"/r/zzzzzzzzzzzzz", b"/r//", b"/r/1/versions"]
    ),
    st.lists(parts, max_size=9).map(lambda found: b"/" + b"/".join(found)),
    st.binary(max_size=20).map(lambda noise: b"/" + noise),
)  # fmt: skip

# Queries

_step_names = [
    "name",
    "labels",
    "epoch",
    "dirid",
    "files",
    "versions",
    "meta",
    "dirs",
    "kind",
    "at",
    "ratio",
]
_steps = st.one_of(
    st.sampled_from(_step_names),
    st.sampled_from(
        ["*", "[*]", "[0]", "['a']", '["b"]', "['*']", "[999999999]", "[", "]", "", "a.b", "é"]
    ),
    st.text(max_size=4),
)
dot_paths = st.lists(_steps, min_size=1, max_size=8).map(".".join)
_operators = st.sampled_from(["", "=", "!=", "<>", "<", "<=", ">", ">=", "==", "=!", "~"])
_operands = st.one_of(
    st.sampled_from(
        ["", "null", "*", "x*", "*x*", "\\*", "**", "a\\", "true", "1", "-1", "1e9999", "1e-6144",
         "9" * 400, "NaN", "Infinity", "2026-01-01T00:00:00Z", "2026-01-01", "é", "\u0130"]
    ),
    st.text(max_size=6),
)  # fmt: skip
filters = st.one_of(
    st.lists(
        st.builds("{}{}{}".format, dot_paths, _operators, _operands), min_size=1, max_size=4
    ).map(",".join),
    st.sampled_from(["excludeall", "excludeall,name", ",", "", "name,,name"]),
)
cursors = st.one_of(
    st.builds(
        lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("="),
        st.one_of(
            st.tuples(
                st.integers(-1, 3), st.integers(-1, 40), st.sampled_from(["d1", "", "zz"]),
                st.integers(-1, 2), st.integers(-1, 5), st.sampled_from(["x", "1", "NaN", "True"]),
            ),
            st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=7),
            st.floats(),
        ),
    ),
    st.text(max_size=10),
)  # fmt: skip
flags = st.one_of(
    st.sampled_from(
        ["inline", "inline=*", "inline=", "doc", "binary", "collections", "ignore", "ignore=*",
         "ignore=epoch,id", "ignore=readonly,defaultversionid", "specversion=1.0-rc4", "specversion=2",
         "setdefaultversionid=v1", "setdefaultversionid=request", "setdefaultversionid=null",
         "epoch=1", "epoch=-1", f"epoch={'9' * 19}", "limit=1", "limit=0", f"limit={'9' * 20}",
         "dryrun", "unknown=1", "=", "%", "inline=files.versions,files.meta", "inline=model"]
    ),
    filters.map("filter={}".format),
    st.builds("sort={}{}".format, dot_paths, st.sampled_from(["", "=asc", "=desc", "=x", "="])),
    dot_paths.map("inline={}".format),
    cursors.map("cursor={}".format),
)  # fmt: skip


def _as_query(found: list[str]) -> bytes:
    # What would end a flag early is encoded, so that it reaches the reader.
    return b"&".join(
        one.replace("%", "%25")
        .replace("&", "%26")
        .replace("+", "%2B")
        .encode("utf-8", "surrogatepass")
        for one in found
    )


queries = st.one_of(
    st.just(b""),
    st.lists(flags, max_size=4).map(_as_query),
    mutated(st.lists(flags, min_size=1, max_size=3).map(_as_query)),
    st.binary(max_size=30),
)

# Headers

_attribute_names = st.one_of(
    st.sampled_from(
        [b"name", b"epoch", b"labels.a", b"labels", b"labels.", b".a", b"", b"fileurl", b"versionid",
         b"fileid", b"file", b"filebase64", b"contenttype", b"format", b"ancestorid", b"createdat",
         b"x", b"labels.a:b", b"meta", b"xid", b"self", b"isdefault", b"any.a.b"]
    ),
    st.binary(max_size=5),
)  # fmt: skip
header_values = st.one_of(
    st.sampled_from(
        [b"null", b'"null"', b"", b"x", b"1", b"true", b"%", b"%20", b"%FF", b"%ED%A0%80", b'"', b'"a',
         b'"\\"', b"*", b'"1.1-x"', b'W/"1.1-x", *', b"\xff", b"a\tb", b"application/json", b"gzip",
         b"gzip;q=0", b"gzip;q=1.1.1, *;q=.", b"text/plain; charset=utf-8", b"2026-01-01T00:00:00Z",
         b"https://example.com/", b"v1", b"[1]", b'{"a":1}', b"0", b"-1"]
    ),
    st.binary(max_size=20),
)  # fmt: skip
header_names = st.one_of(
    _attribute_names.map(lambda name: b"xregistry-" + name.lower()),
    st.sampled_from(
        [b"content-type", b"if-match", b"if-none-match", b"accept-encoding", b"content-length",
         b"transfer-encoding", b"access-control-request-headers", b"host", b"accept"]
    ),
)  # fmt: skip
_not_in_http = bytes(range(9)) + bytes(range(10, 32)) + b"\x7f"
headers: st.SearchStrategy[list[Header]] = st.lists(
    st.tuples(header_names, header_values), max_size=4
).map(
    # A parser of HTTP lets no control characters through.
    lambda found: [(name, value.translate(None, _not_in_http)) for name, value in found]
)

# Bodies

keys = st.one_of(
    st.sampled_from(
        ["name", "labels", "epoch", "dirs", "shelves", "files", "notes", "releases", "forms", "meta",
         "versions", "d1", "f1", "f2", "n1", "r1", "m1", "v1", "v2", "1", "1.0.0", "file", "filebase64",
         "fileurl", "note", "contenttype", "createdat", "modifiedat", "ancestorid", "defaultversionid",
         "defaultversionsticky", "xref", "readonly", "compatibility", "deprecated", "constraints",
         "dirid", "fileid", "versionid", "registryid", "self", "xid", "isdefault", "format", "form",
         "capabilities", "modelsource", "model", "size", "ratio", "at", "link", "template", "see",
         "kind", "extra", "list", "map", "box", "owner", "x", "effective", "removal", "*", "$schema",
         ".secret", "", "A", "x y", "default", "enum", "equals", "files.name", "flags", "pagination"]
    ),
    st.text(max_size=4),
)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 12),
    st.sampled_from(
        [2**63, 2**64, -(2**63) - 1, 10**400, 10**999, 1.5, -0.0, 1e300, 1e-300, "x", "", "1", "v1", "v2",
         "f1", "/dirs/d1/files/f1", "/dirs/d1/files/f2", "/dirs/d1/notes/n1", "/dirs", "/", "eA==", "=",
         "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00.5+01:00", "b", "a",
         "JsonSchema/draft-07", "backward", "text/plain", "https://example.com/", "{a}", "{a", "\x00",
         "\ud800", "\U0001f600", "x" * 5000, "1.0.0", "9" * 200]
    ),
    st.text(max_size=5),
)  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=14,
)
_maps = st.dictionaries(keys, values, max_size=6)
_deep = st.builds(
    lambda open, close, depth, inside: open * depth + inside + close * depth,
    *[st.just(b"[")], st.just(b"]"), st.sampled_from([50, 99, 101, 1000, 50_000]), st.just(b"1"),
)  # fmt: skip
_nested = st.builds(
    lambda name, depth: b'{"%b":' % name * depth + b"{}" + b"}" * depth,
    st.sampled_from([b"box", b"x", b"meta", b"labels", b"any"]),
    st.sampled_from([5, 98, 200, 20_000]),
)
_odd_bodies = st.sampled_from(
    [b"", b" ", b"null", b"{}", b"[]", b"{", b"NaN", b'{"a":NaN}', b'{"ratio":Infinity}', b"\xef\xbb\xbf{}",
     b'{"name":"a","name":"b"}', b'{"name":"\xff"}', b'{"name":"\\ud800"}', b'{"ratio":1e9999}',
     b'{"ratio":1E+6144}', b'{"size":1e3}', b'{"size":1.0}', b'{"ratio":1.10}', b'{"ratio":-0}',
     b'{"ratio":-0.0}', b'{"size":' + b"9" * 999 + b"}", b'{"size":' + b"9" * 5000 + b"}",
     b'{"list":[' + b"1," * 2000 + b"1]}", b'{"x":1e-6144}', b'{"x":[1.0,1e2,12345678901234567890123]}',
     b'{"files":{' + b",".join(b'"g%d":{}' % i for i in range(200)) + b"}}",
     b'{"labels":{' + b",".join(b'"k%d":"v"' % i for i in range(500)) + b"}}"]
)  # fmt: skip


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


bodies = st.one_of(
    _maps.map(_json),
    _maps.map(_json),
    values.map(_json),
    mutated(_maps.map(_json)),
    _odd_bodies,
    _deep,
    _nested,
    st.binary(max_size=30),
)

requests = st.builds(Sent, METHODS, paths, queries, headers, bodies)

# Nearly right writes: a body of the right shape at the right place.

_times = st.sampled_from(
    ["2020-01-01T00:00:00Z", "2027-01-01T00:00:00+02:00", "2026-01-01T00:00:00.000001Z", None]
)
_common: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["x", None, "é"]),
    "labels": st.dictionaries(st.sampled_from(["a", "b.c", "d"]), st.sampled_from(["1", "", None])),
    "createdat": _times,
}
_of_dirs: dict[str, st.SearchStrategy[Any]] = {
    "size": st.sampled_from([0, 1, 2**64, 10**400, 1.0, None]),
    "ratio": st.sampled_from([0, 1.5, -0.0, 1e300, 1e-300, 2**70, None]),
    "at": _times,
    "see": st.sampled_from(["/dirs/d1/files/f1", "/dirs/d9/files/f9", None]),
    "list": st.lists(st.sampled_from([0, -1, 2**64]), max_size=2),
    "map": st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.text(max_size=3), max_size=2)),
    "box": st.dictionaries(st.sampled_from(["y", "z"]), values, max_size=2),
    "kind": st.sampled_from(["a", "b", "B", None]),
}
_vids = st.sampled_from(["v1", "v2", "1", "2", "3", "new"])
_semvers = st.sampled_from(
    ["1.0.0", "2.0.0-rc.1", "2.0.0-rc.10", "1.10.0", f"1.0.{'9' * 60}", "10.0.0"]
)
_document = {
    "": st.just({}),
    "json": values.map(lambda one: {"file": one}),
    "bytes": st.sampled_from(["eA==", "", "AP8="]).map(lambda one: {"filebase64": one}),
    "url": st.just({"fileurl": "https://example.com/"}),
}
XIDS = ["/dirs/d1/files/f1", "/dirs/d1/files/f2", "/shelves/s1/files/f1", "/dirs/d9/files/f9"]


def _joined(*found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for one in found for key, value in one.items()}


def _some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


def versions(type: str) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent of a version."""
    free = {"x": values} if type == "files" else {}
    types = st.sampled_from(["application/json", "text/plain", "x", None])
    attributes = _some(**_common, **free, contenttype=types, epoch=st.sampled_from([1, None]))
    if type != "files":
        return attributes
    ancestors = _some(ancestorid=_vids)
    return st.builds(_joined, attributes, st.one_of(*_document.values()), st.just({}) | ancestors)


def metas(type: str) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent of a resource's meta."""
    vids = _semvers if type == "releases" else _vids
    own = _some(
        defaultversionid=vids | st.none(),
        defaultversionsticky=st.booleans() | st.none(),
        readonly=st.sampled_from([False, False, True]),
        labels=_common["labels"],
        compatibility=st.sampled_from(["backward", None]),
        **({"owner": st.sampled_from(["o", None])} if type == "files" else {}),
    )
    return own | _some(xref=st.sampled_from([*XIDS, None])) if type == "files" else own


def resources(type: str) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent of a resource: of its default version, its meta, its versions."""
    vids = _semvers if type == "releases" else _vids
    below = _some(meta=metas(type), versions=st.dictionaries(vids, versions(type), max_size=3))
    return st.builds(_joined, versions(type), st.just({}) | below)


def _maps_of(type: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["f1", "f2", "F1", "q"]), resources(type), max_size=2)


def groups(type: str) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent of a group."""
    own = _some(**_common, **(_of_dirs if type == "dirs" else {}))
    kinds = ["files", "notes", "releases"] if type == "dirs" else ["files"]
    return st.builds(_joined, own, _some(**{one: _maps_of(one) for one in kinds}))


_flags_of_writes = st.sampled_from(
    [b"", b"", b"", b"inline=*", b"ignore", b"ignore=epoch", b"setdefaultversionid=request",
     b"setdefaultversionid=v1", b"setdefaultversionid=null", b"doc&inline"]
)  # fmt: skip


@st.composite
def writes(draw: st.DrawFn) -> Sent:
    """A write that has a good chance to be taken."""
    group = draw(st.sampled_from(["dirs", "dirs", "dirs", "shelves"]))
    gid = draw(st.sampled_from(["d1", "d1", "d2"] if group == "dirs" else ["s1", "s1", "s2"]))
    type = (
        draw(st.sampled_from(["files", "files", "notes", "releases"]))
        if group == "dirs"
        else "files"
    )
    rid = draw(st.sampled_from(["f1", "f1", "f2", "n1", "r1", "q"]))
    vids = _semvers if type == "releases" else _vids
    above = f"/{group}/{gid}/{type}"
    details = "" if type == "notes" else "$details"
    path, methods, body = draw(
        st.sampled_from(
            [
                (f"/{group}", "POST PATCH DELETE", st.dictionaries(
                    st.sampled_from(["d1", "d2", "s1"]), groups(group), max_size=2)),
                (f"/{group}/{gid}", "PUT PATCH DELETE", groups(group)),
                (f"/{group}/{gid}", "POST", _some(**{type: _maps_of(type)})),
                (above, "POST PATCH DELETE", _maps_of(type)),
                (f"{above}/{rid}{details}", "PUT PATCH PUT PATCH DELETE", resources(type)),
                (f"{above}/{rid}{details}", "POST", versions(type)),
                (f"{above}/{rid}/meta", "PUT PATCH", metas(type)),
                (f"{above}/{rid}/versions", "POST POST PATCH DELETE",
                 st.dictionaries(vids, versions(type), max_size=3)),
                (f"{above}/{rid}/versions/{draw(vids)}{details}", "PUT PATCH DELETE", versions(type)),
            ]
        )
    )  # fmt: skip
    method = draw(st.sampled_from(methods.split()))
    query = draw(_flags_of_writes)
    if method == "DELETE":
        return Sent(method, path.encode(), b"", (), b"")
    return Sent(method, path.encode(), query, (), _json(draw(body)))


@st.composite
def root_writes(draw: st.DrawFn) -> Sent:
    """Writes to the registry itself, its model and capabilities."""
    path = draw(st.sampled_from([b"/", b"/", b"/capabilities", b"/modelsource"]))
    method = draw(st.sampled_from(["PUT", "PATCH", "POST"]))
    body: Any
    if path == b"/":
        body = draw(
            st.fixed_dictionaries(
                {}, optional={"dirs": st.dictionaries(st.sampled_from(["d1", "d2"]), groups("dirs"), max_size=2),
                              "name": scalars,
                              "capabilities": capabilities, "modelsource": model_sources, "x": values}
            )
        )  # fmt: skip
    else:
        body = draw(capabilities if path == b"/capabilities" else model_sources)
    return Sent(method, path, draw(st.sampled_from([b"", b"inline=*", b"ignore"])), (), _json(body))


_names_of = st.one_of(
    st.sampled_from(
        ["*", "filter", "FILTER", "inline", "doc", "epoch", "id", "manual", "semver", "x"]
    ),
    scalars,
)
capabilities = st.fixed_dictionaries(
    {},
    optional={
        "available": st.dictionaries(
            st.sampled_from(["entities", "model", "export", "capabilities", "x", "modelsource"]),
            st.fixed_dictionaries({"mutable": st.booleans()}) | values,
            max_size=4,
        ),
        **{
            name: st.lists(_names_of, max_size=3) | scalars
            for name in ("flags", "formats", "ignores", "specversions", "versionmodes")
        },
        "pagination": st.booleans() | scalars,
        "shortself": st.booleans(),
        "compatibilities": st.dictionaries(keys, values, max_size=2),
        "unknown": scalars,
    },
)

# Models

_attribute_key = st.sampled_from(
    ["a", "b", "c", "kind", "*", "name", "epoch", "labels", "A", "", "x-y"]
)
_type = st.sampled_from(
    ["string", "integer", "boolean", "decimal", "uinteger", "timestamp", "url", "xid", "any", "object",
     "map", "array", "String", "x", None, 1]
)  # fmt: skip


def _definition(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    attributes = st.dictionaries(_attribute_key, inner, max_size=3)
    return st.fixed_dictionaries(
        {"type": _type},
        optional={
            "name": st.sampled_from(["a", "b", "*"]),
            "enum": st.lists(scalars, max_size=3),
            "strict": st.booleans(),
            "required": st.booleans(),
            "readonly": st.booleans(),
            "immutable": st.booleans(),
            "matchversions": st.booleans(),
            "default": scalars,
            "target": st.sampled_from(["/dirs", "/dirs/files", "/x", "", "//", "/dirs/files[/versions]"]),
            "namecharset": st.sampled_from(["strict", "extended", "x"]),
            "attributes": attributes,
            "item": inner,
            "ifvalues": st.dictionaries(
                st.sampled_from(["a", "1", "true", "^x", ""]),
                st.fixed_dictionaries({"siblingattributes": attributes}) | scalars,
                max_size=2,
            ),
            "$include": st.sampled_from(["#/groups/dirs", "#", "#/attributes/a", "x", "#/~2", 1]),
        },
    )  # fmt: skip


definitions = st.recursive(
    st.fixed_dictionaries({"type": _type}), _definition, max_leaves=6
)  # fmt: skip
_attribute_maps = st.dictionaries(_attribute_key, definitions | scalars, max_size=4)
_singulars = st.sampled_from(["dir", "file", "note", "files", "dirs", "", "x", None])
_resource_types = st.fixed_dictionaries(
    {"singular": _singulars},
    optional={
        "attributes": _attribute_maps,
        "metaattributes": _attribute_maps,
        "resourceattributes": _attribute_maps,
        "maxversions": st.integers(-1, 3) | scalars,
        "hasdocument": st.booleans() | scalars,
        "versionmode": st.sampled_from(["manual", "semver", "createdat", "x", 1]),
        "setversionid": st.booleans(),
        "singleversionroot": st.booleans(),
        "validateformat": st.booleans(),
        "validatecompatibility": st.booleans(),
        "strictvalidation": st.booleans(),
        "typemap": st.dictionaries(st.sampled_from(["text/*", "*", "**", ""]), scalars, max_size=2),
    },
)
_group_types = st.fixed_dictionaries(
    {"singular": _singulars},
    optional={
        "attributes": _attribute_maps,
        "resources": st.dictionaries(
            st.sampled_from(["files", "notes", "dirs", "versions", "meta", "x"]), _resource_types, max_size=2
        ),
        "ximportresources": st.lists(st.sampled_from(["/dirs/files", "/x", "/dirs", 1]), max_size=2),
        "constraints": st.dictionaries(
            st.sampled_from(["files.name", "files.labels.a", "files", "x.y", ""]),
            st.fixed_dictionaries(
                {}, optional={"default": scalars, "enum": st.lists(scalars, max_size=2), "equals": scalars}
            ) | scalars,
            max_size=2,
        ),
        "plural": st.sampled_from(["dirs", "x"]),
    },
)  # fmt: skip
model_sources = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "attributes": _attribute_maps,
            "groups": st.dictionaries(
                st.sampled_from(["dirs", "shelves", "events", "model", "r", "x", ""]),
                _group_types | scalars,
                max_size=3,
            ),
            "description": scalars,
            "labels": values,
            "$includes": st.lists(st.sampled_from(["#/groups/dirs", "#/x"]), max_size=2),
        },
    ),
    _maps,
)

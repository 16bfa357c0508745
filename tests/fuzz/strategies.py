"""Valid events, and nearly valid messages, as hypothesis strategies."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

import cbor2
from hypothesis import strategies as st

from chappe.domain.event import CORE_ATTRIBUTES, AttributeValue, Event

# Private use and unassigned characters are allowed in a String; these are not.
FORBIDDEN = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *map(chr, range(0xFDD0, 0xFDF0)),
    *(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)),
]

strings = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="".join(FORBIDDEN)), max_size=40
)
texts = strings.filter(bool)

_path = st.text("abcXYZ019-._~!$&'()*+,;=@/", max_size=20)
_query = st.one_of(st.just(""), _path.map("?{}".format))
absolute_uris = st.builds(
    "{}:{}{}".format, st.sampled_from(["https://example.com", "urn", "mailto"]), _path, _query
).map(lambda uri: uri.replace("https://example.com:", "https://example.com/"))
uri_references = st.one_of(
    absolute_uris,
    st.builds("/{}{}#{}".format, _path.map(lambda path: path.lstrip("/")), _query, _path).map(
        lambda uri: uri.replace("@", "%40")
    ),
    st.sampled_from(["#fragment", "1-555-123-4567", "//[::1]:80/a", "?q", "./a:b", "%20"]),
)

timestamps = st.builds(
    lambda when, t, fraction, zone: f"{when:%m-%d}{t}{when:%H:%M:%S}{fraction}{zone}",
    st.datetimes(),
    st.sampled_from("Tt"),
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=12).map(".{}".format)),
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+02:00", "-23:59"]),
).flatmap(
    # strftime does not pad the year everywhere; 1996 has a February 29th.
    lambda rest: st.sampled_from(["0000", "0004", "1996", "2024", "9996"]).map(
        lambda year: f"{year}-{rest}" if "02-29" in rest else f"{int(year) + 1:04d}-{rest}"
    )
)

media_types = st.sampled_from(
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.example+json",
        "text/plain",
        'text/plain; charset="UTF-8"',
        "application/octet-stream",
        "application/xml",
        "image/svg+xml; charset=utf-8",
        "application/cbor",
        'multipart/mixed; boundary="a b\\"c"',
    ]
)
json_types = media_types.filter(lambda text: "json" in text.lower())
other_types = media_types.filter(lambda text: "json" not in text.lower())

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=25).filter(
    lambda name: name not in CORE_ATTRIBUTES and name != "data"
)
values: st.SearchStrategy[AttributeValue] = st.one_of(
    strings, st.integers(-(2**31), 2**31 - 1), st.booleans(), st.binary(max_size=20)
)

json_texts = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())

_xml_characters = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=10
).map(escape)
xml_texts = st.recursive(
    st.one_of(
        _xml_characters,
        st.sampled_from(["<!-- c -->", "<![CDATA[<x>]]>", "<?p i?>", "\r\n", "xs:string", "ce:"]),
    ),
    lambda inner: st.builds(
        lambda start, parts: f"<{start}>{''.join(parts)}</{start.split(' ')[0]}>",
        st.sampled_from(
            ["a", "a xmlns='urn:a'", 'p:b xmlns:p="urn:p" p:c=">"', 'xs:e xmlns:xs="urn:x"']
        ),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
).map(lambda text: f"<root>{text}</root>".encode())
cbor_items = json_texts.map(lambda text: cbor2.dumps(json.loads(text)))

payloads: st.SearchStrategy[tuple[str | None, bytes | None, bool]] = st.one_of(
    st.tuples(st.none() | media_types, st.none(), st.just(value=False)),
    st.tuples(st.none() | media_types, st.binary(max_size=200), st.just(value=False)),
    st.tuples(json_types, json_texts, st.booleans()),
    st.tuples(st.sampled_from(["application/xml", "image/svg+xml"]), xml_texts, st.booleans()),
    st.tuples(st.just("application/cbor"), cbor_items, st.just(value=False)),
    st.tuples(st.none() | other_types, st.text(max_size=60).map(str.encode), st.just(value=True)),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any valid event."""
    datacontenttype, data, text = draw(payloads)
    return Event(
        id=draw(texts),
        source=draw(uri_references),
        type=draw(texts),
        subject=draw(st.none() | texts),
        time=draw(st.none() | timestamps),
        datacontenttype=datacontenttype,
        dataschema=draw(st.none() | absolute_uris),
        extensions=draw(st.dictionaries(names, values, max_size=4)),
        data=data,
        text=text,
    )


def mutated(wires: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """`wires` with some bytes overwritten, cut out, or put in."""

    def mutate(wire: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
        for at, cut, put in edits:
            start = at % (len(wire) + 1)
            wire = wire[:start] + put + wire[start + cut :]
        return wire

    edit = st.tuples(st.integers(0, 2000), st.integers(0, 3), st.binary(max_size=3))
    return st.builds(mutate, wires, st.lists(edit, max_size=4))


header_names = st.one_of(
    st.sampled_from(
        [
            b"ce-specversion",
            b"ce-id",
            b"ce-source",
            b"ce-type",
            b"ce-time",
            b"ce-subject",
            b"ce-dataschema",
            b"ce-datacontenttype",
            b"ce-data",
            b"ce-",
            b"content-type",
            b"host",
        ]
    ),
    names.map(lambda name: b"ce-" + name.encode()),
    st.binary(max_size=12).map(lambda name: b"ce-" + name),
)
header_values = st.one_of(
    st.sampled_from([b"1.0", b"a", b"/a", b"2018-04-05T17:31:00Z", b"%F0%9F%98%80", b'"a\\"b"']),
    media_types.map(str.encode),
    st.sampled_from(
        [
            b"application/cloudevents+json",
            b"application/cloudevents-batch+json; charset=UTF-8",
            b"application/cloudevents+protobuf",
            b"application/cloudevents-batch+protobuf",
            b"application/cloudevents+avro",
        ]
    ),
    st.binary(max_size=30),
)
headers = st.lists(st.tuples(header_names, header_values), max_size=8)
REQUIRED = [
    (b"ce-specversion", b"1.0"),
    (b"ce-id", b"1"),
    (b"ce-source", b"/s"),
    (b"ce-type", b"t"),
]

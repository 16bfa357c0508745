"""Bodies that were made to hurt: each is refused, or read, within CPU time linear in its size."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from chappe.domain.errors import CallerError
from chappe.formats import avro_datum as avro
from chappe.formats.event_formats import AVRO, AVRO_COMPACT, CBOR, PROTOBUF, XML, Format
from tests.speed import slowness

MIB = 1024 * 1024
CE = 'xmlns="http://cloudevents.io/xmlformat/V1"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def cpu_s(call: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def refused(format: Format, wire: bytes) -> None:
    with pytest.raises(CallerError):
        format.decode(wire)


def xml(inner: str, attributes: str = "") -> bytes:
    return (
        f'<event {CE} {XSI} {attributes} specversion="1.0"><id>1</id><source>/s</source>'
        f"<type>t</type>{inner}</event>"
    ).encode()


def any_xml(inner: str) -> bytes:
    return xml(f'<data xsi:type="xs:any">{inner}</data>')


AVRO_START = avro.long(1) + avro.string("a")
CBOR_START = b"\xa1\x64data"

HOSTILE: dict[str, tuple[Format, bytes]] = {
    "xml deep": (XML, any_xml("<a>" * 200_000)),
    "xml deep and closed": (XML, any_xml("<a>" * 100_000 + "</a>" * 100_000)),
    "xml deep in what is ignored": (XML, xml('<x xmlns="">' + "<a>" * 200_000)),
    "xml many elements": (XML, any_xml("<r>" + "<a/>" * 300_000 + "</r>")),
    "xml many members": (XML, xml("<a/>" * 200_000)),
    "xml one attribute many times": (XML, xml("<subject>a</subject>" * 50_000)),
    "xml many namespaces": (XML, xml("", " ".join(f'xmlns:p{n}="u"' for n in range(50_000)))),
    "xml many xml attributes": (XML, xml("", " ".join(f'a{n}=""' for n in range(80_000))) + b"<"),
    "xml many ends of CDATA": (XML, xml("]]>" * 300_000)),
    "xml open comment": (XML, xml("<!-- " + "- " * 400_000)),
    "xml long name": (XML, xml(f"<{'a' * MIB}/>")),
    "xml entities": (XML, xml("&a;" * 300_000)),
    "xml character references": (XML, xml("<id>" + "&#0;" * 250_000 + "</id>")),
    "xml base64 of spaces": (
        XML,
        xml(f'<data xsi:type="xs:base64Binary">{" " * MIB}A</data>'),
    ),
    "xml quotes in a start tag": (XML, any_xml("<a " + "'\"" * 400_000)),
    "cbor deep arrays": (CBOR, CBOR_START + b"\x81" * MIB),
    "cbor deep indefinite": (CBOR, CBOR_START + b"\x9f" * MIB),
    "cbor deep tags": (CBOR, CBOR_START + b"\xc1" * MIB),
    "cbor chunks without end": (CBOR, CBOR_START + b"\x5f" + b"\x40" * MIB),
    "cbor nested chunks": (CBOR, CBOR_START + b"\x5f" * MIB),
    "cbor many names": (CBOR, b"\xbf" + b"\x61a\xf6" * 200_000),
    "cbor huge array": (CBOR, CBOR_START + b"\x9b" + b"\x7f" * 8 + b"\x00" * MIB),
    "cbor hugest map": (CBOR, CBOR_START + b"\xbb" + b"\xff" * 8 + b"\x00" * MIB),
    "cbor huge string": (CBOR, CBOR_START + b"\x5b" + b"\x7f" * 8 + b"\x00" * MIB),
    "avro huge map": (AVRO, avro.long(2**60)),
    "avro many blocks": (AVRO, (avro.long(-1) + avro.long(0)) * 300_000),
    "avro many names": (AVRO, avro.long(2**40) + (avro.string("a") + b"\x00") * 200_000),
    "avro deep arrays": (AVRO, b"\x00" + b"\x08" + b"\x02\x02\x00\x06" * 200_000),
    "avro deep maps": (AVRO, b"\x00" + b"\x06" + b"\x02\x00\x04" * 200_000),
    "avro huge string": (AVRO, avro.long(1) + avro.long(2**62) + b"x" * 100),
    "avro negative length": (AVRO, avro.long(1) + avro.long(-1)),
    "avro compact huge extensions": (
        AVRO_COMPACT,
        avro.string("1") + avro.string("/s") + avro.string("t") + b"\x00" * 4 + avro.long(2**60),
    ),
    "protobuf deep any": (PROTOBUF, b"\x42\xff\xff\x3f" + b"\x42" * MIB),
    "protobuf groups": (PROTOBUF, b"\x1b" * MIB),
    "protobuf many attributes": (PROTOBUF, b"\x2a\x05\x0a\x01a\x12\x00" * 150_000),
}


@pytest.mark.parametrize(("format", "wire"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_soon(format: Format, wire: bytes) -> None:
    assert cpu_s(lambda: refused(format, wire)) < 1.5 * slowness()


@pytest.mark.parametrize(
    ("format", "one"),
    [
        (XML, any_xml("<r>" + "<a>x</a>" * 5_000 + "</r>")),
        (XML, xml('<data xsi:type="xs:string">' + "a&amp;\n" * 20_000 + "</data>")),
    ],
    ids=["elements", "text"],
)
def test_a_large_payload_takes_no_more_than_its_share(format: Format, one: bytes) -> None:
    many = one.replace(b"<a>x</a>", b"<a>x</a>" * 8).replace(b"a&amp;\n", b"a&amp;\n" * 8)
    small = min(cpu_s(lambda: format.decode(one)) for _ in range(2))
    large = min(cpu_s(lambda: format.decode(many)) for _ in range(2))
    assert large < 32 * max(small, 0.005)


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]><a/>',
        b"<!DOCTYPE a>" + xml(""),
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b'<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE a><a/>',
    ],
)
def test_no_document_type_is_read(document: bytes) -> None:
    with pytest.raises(CallerError, match="DOCTYPE"):
        XML.decode(document)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "us-ascii"])
def test_xml_in_another_encoding_is_read_and_kept_in_utf_8(encoding: str) -> None:
    text = "e" if encoding == "us-ascii" else "é"
    label = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{label}"?>' + any_xml(f"<a>{text}</a>").decode()
    event = XML.decode(document.encode(encoding))
    assert event.data == f'<a xmlns="http://cloudevents.io/xmlformat/V1">{text}</a>'.encode()


@pytest.mark.parametrize("size", [MIB - 100, MIB, 2 * MIB + 1])
def test_a_large_xml_payload_is_cut_out_at_the_right_place(size: int) -> None:
    element = f'<a xmlns="">{"é" * (size // 2)}<b c="&lt;>"/></a >'
    for around in ("", "\n <!-- x -->"):
        event = XML.decode(any_xml(around + element + around))
        assert event.data == element.encode()

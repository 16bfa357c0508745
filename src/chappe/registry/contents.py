"""What a request says of a version's document: `<R>`, `<R>base64`, `<R>url`, `<R>proxyurl`.

(core/spec.md "`<RESOURCE>*` Attribute Processing")
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chappe.registry.documents import representation
from chappe.registry.draft import Draft
from chappe.registry.errors import RegistryError
from chappe.registry.model import ResourceType
from chappe.registry.request import DocumentWrite
from chappe.registry.validation import typed_headers

JSON: Final = "application/json"

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Content:
    """A version's part of a request, parted.

    `attributes` are the request's without the document in them, but with the URLs and `contenttype`
    as they follow from it. `document` is None where it stays as it is.
    """

    attributes: Mapping[str, Any]
    document: bytes | None = None


def from_json(
    type: ResourceType,
    sent: Mapping[str, Any],
    present: Mapping[str, Any],
    *,
    patch: bool,
    subject: str,
) -> Content:
    """The document of a request in JSON; `present` are the attributes stored before.

    A document that is not sent stays; where a URL said its place and goes, it is empty.

    Raises:
        RegistryError: one_resource, invalid_attribute.
    """
    if not type.hasdocument:
        return Content(sent)
    plain, coded, *urls = names = (type.singular, f"{type.singular}base64", *type.url_names)
    found = [name for name in names if name in sent]
    if not found:
        return Content(sent)
    valued = [name for name in found if sent[name] is not None]
    if len(valued) > 1:
        raise RegistryError("one_resource", subject, list=",".join(names))
    attributes = {name: value for name, value in sent.items() if name not in names}
    attributes |= dict.fromkeys(urls)
    if not valued:
        return Content(attributes, b"")
    (given,) = valued
    value = sent[given]
    if given in urls:
        attributes[given] = value
        return Content(attributes, b"")
    if "contenttype" not in sent:
        if patch:
            attributes["contenttype"] = present.get("contenttype") or JSON
        elif given == plain:
            attributes["contenttype"] = JSON
    if given == coded:
        return Content(attributes, _decoded(value, coded, subject))
    return Content(attributes, _bytes(value, attributes.get("contenttype"), type))


def from_headers(
    draft: Draft, type: ResourceType, write: DocumentWrite, present: Mapping[str, Any]
) -> Content:
    """The document of a request whose body it is (core/http.md "Serializing … Documents").

    Raises:
        RegistryError: extra_xregistry_header, one_resource.
    """
    sent = typed_headers(write.attributes, type.version, present=present)
    given = [url for url in type.url_names if sent.get(url) is not None]
    if len(given) > 1:
        raise RegistryError("one_resource", draft.path, list=",".join(given))
    if given and write.document:
        raise RegistryError(
            "extra_xregistry_header",
            draft.path,
            name=f"xRegistry-{given[0]}",
            error_detail="the request has a document in its body as well",
        )
    sent |= {url: None for url in type.url_names if url not in given}
    sent["contenttype"] = write.contenttype
    return Content(sent, write.document)


def _decoded(value: Any, name: str, subject: str) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise RegistryError(
        "invalid_attribute", subject, name=name, error_detail="must be a base64 text"
    )


def _bytes(value: Any, contenttype: Any, type: ResourceType) -> bytes:
    """The bytes of a document that stood as a value in the request's JSON.

    A document of JSON is that JSON, so that reading it gives what was written, in lines for people to
    read; a text under another content type is its characters.
    """
    if isinstance(value, str):
        kind = representation(contenttype if isinstance(contenttype, str) else "", type.typemap)
        if kind != "json":
            return value.encode()
    return msgspec.json.format(_encode(value), indent=2)

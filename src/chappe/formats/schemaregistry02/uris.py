"""Schema version URIs (spec.md 2.2.2): what names a version in any registry that holds a copy of it.

    authority                         version's id                         URI
    (none) at https://hub.example/r   342                                  https://hub.example/r/342
    http://schemas.example.com/       /g/schemas/s/versions/2              http://schemas.example.com/g/schemas/s/versions/2
    http://schemas.example.org/       http://schemas.example.org/41751     http://schemas.example.org/41751
    urn:example:schemas               a1b2c3d4                             urn:example:schemas:a1b2c3d4

That is joining, not the resolution of RFC 3986: the path of an authority stays.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.names import shown
from chappe.registry.values import LIMIT_BYTES, is_absolute

GROUPS: Final = "/schemagroups/"
_REFERENCE: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_VERSION_PATH: Final = re.compile(
    r"/schemagroups/([^/?#]+)/schemas/([^/?#]+)/versions/([1-9]\d{0,8})"
)


class Named(NamedTuple):
    """A version by the names of what it is in."""

    group: str
    schema: str
    number: int

    @property
    def path(self) -> str:
        """Where it stands below the API's root, which is its id where it has no other."""
        return f"{GROUPS}{shown(self.group)}/schemas/{shown(self.schema)}/versions/{self.number}"


def joined(authority: str, id: str) -> str:
    """The URI of a version: the id where that is absolute, else the authority and the id."""
    if _SCHEME.match(id):
        return id
    if authority[:4].lower() == "urn:":
        return f"{authority.rstrip(':')}:{id}"
    return f"{authority.rstrip('/')}/{id.removeprefix('/')}"


def parse_local(uri: str, *bases: str) -> Named | None:
    """The version whose path the URI is, below one of the bases or by itself; None: it is none."""
    for base in (*bases, ""):
        if uri.startswith(base):
            found = _VERSION_PATH.fullmatch(uri[len(base) :])
            if found is not None:
                return Named(unquote(found[1]), unquote(found[2]), int(found[3]))
    return None


def check_authority(text: str) -> None:
    """Refuse what is no URI.

    Raises:
        Malformed: it is none.
    """
    if not is_absolute(text) or not _is_reference(text):
        raise Malformed(
            f"authority: {shortened(text)} is no URI (RFC 3986, at most {LIMIT_BYTES} characters)"
        )


def check_version_id(text: str) -> None:
    """Refuse what is no URI-reference.

    Raises:
        Malformed: it is none.
    """
    if not _is_reference(text):
        raise Malformed(
            f"id: {shortened(text)} is no URI-reference (RFC 3986, at most {LIMIT_BYTES} characters)"
        )


def _is_reference(text: str) -> bool:
    if len(text) > LIMIT_BYTES or text.count("#") > 1 or not _REFERENCE.fullmatch(text):
        return False
    first = re.split("[/?#]", text, maxsplit=1)[0]
    if ":" in first and not _SCHEME.match(first):
        return False
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True

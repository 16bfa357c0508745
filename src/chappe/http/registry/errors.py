"""Errors as answers (core/http.md "Error Processing"), the specification's and the edge's own."""

from __future__ import annotations

from collections.abc import Mapping

from chappe.http.exchange import Header, Response
from chappe.http.registry.methods import NotSupported
from chappe.kit.any_json import encode_json
from chappe.registry.errors import RegistryError, document

JSON: Header = (b"content-type", b"application/json; charset=utf-8")
SOURCE = "chappe.registry"


class Refused(Exception):
    """The edge refuses a request for a reason that the specification has no error for.

    Args:
        status: the HTTP status.
        code: the stable name of the reason.
        subject: the request's path.
        title: a full sentence.
    """

    def __init__(self, status: int, code: str, subject: str, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.subject = subject
        self.title = title


def error_response(error: RegistryError | Refused) -> Response:
    """The answer to a request that ended in `error`."""
    headers: tuple[Header, ...] = (JSON,)
    if isinstance(error, NotSupported):
        headers = (JSON, (b"allow", ", ".join(error.allow).encode()))
    return Response(error.status, encode_json(_body(error)), headers)


def _body(error: RegistryError | Refused) -> Mapping[str, object]:
    if isinstance(error, RegistryError):
        return {**document(error), "source": SOURCE}
    return {
        "type": f"urn:chappe:error:{error.code}",
        "title": error.title,
        "subject": error.subject,
        "source": SOURCE,
    }

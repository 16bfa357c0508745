"""A request to the Schema Registry API answered, whatever comes of it.

The API stands below a prefix of the hub's own API, or at the root of a port of its own. Its errors
have Confluent's form everywhere: {"error_code": …, "message": …}. Clients that sign in as Confluent's
do (HTTP Basic) send their token as the password.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from chappe.domain.access import ANYONE, READ, Principal, Right, require
from chappe.domain.errors import ChappeError, TooLarge, Unavailable
from chappe.flows.confluent import Confluent
from chappe.formats.confluent.bodies import id_body
from chappe.formats.confluent.errors import NoSuchMethod, Refused, too_large
from chappe.formats.confluent.index import Entry
from chappe.formats.confluent.names import DEFAULT
from chappe.http.call import Call, ClientGone
from chappe.http.confluent.asked import Asked, read_asked
from chappe.http.confluent.groups import groups_of
from chappe.http.confluent.media import V1, check_sent, wanted
from chappe.http.confluent.routes import find, methods, right_for
from chappe.http.exchange import Header, Response, find_header
from chappe.http.principal import authenticate
from chappe.http.problems import status_of
from chappe.kit.any_json import encode_json
from chappe.ports.authorizer import Authorizer

PREFIX: Final = b"/confluent"
FOR_EVER: Final = (b"cache-control", b"max-age=31536000, immutable")
_BY_ID: Final = b"/schemas/ids/"
_CODES: Final = {401: 40101, 403: 40301}
DRAINING: Final = Response(
    503,
    encode_json(
        {"error_code": 503, "message": "this node is shutting down; send the request again"}
    ),
    ((b"content-type", V1), (b"retry-after", b"2"), (b"connection", b"close")),
)
"""What a node that ends answers; clients of the API send a request again after a 503."""

_log = logging.getLogger("chappe.http")


class Answered(NamedTuple):
    """The response, who asked, what went wrong, and whether something was to be changed."""

    response: Response
    by: Principal = ANYONE
    failure: Exception | None = None
    writes: bool = False


def is_below(path: bytes) -> bool:
    """Whether a path of the hub's API is one of this API."""
    return path == PREFIX or path.startswith(PREFIX + b"/")


async def answer(
    confluent: Confluent | None,
    authorizer: Authorizer,
    call: Call,
    *,
    prefix: bytes = PREFIX,
    limit_bytes: int,
) -> Answered:
    """Answer a request to the API whose root is at `prefix`; "" where it has a port of its own.

    Raises:
        ClientGone: there is nobody left to answer.
    """
    by, media, writes = ANYONE, V1, False
    try:
        by = authenticate(authorizer, bearer(call.headers))
        path = call.path[len(prefix) :]
        if confluent is None:
            raise Refused(404, 404, "HTTP 404 Not Found")
        media = wanted(call.headers)
        if path.startswith(_BY_ID) and not call.query and call.method in ("GET", "HEAD"):
            found = (
                None
                if not by.may(READ)
                else _by_id(confluent, path[len(_BY_ID) :], call.headers, media)
            )
            if found is not None:
                return Answered(found, by)
        body = await call.body(limit_bytes)
        asked = read_asked(call.method, path, call.query, call.headers, body, by.name)
        if call.method == "OPTIONS":
            return Answered(Response(204, b"", (_allow(methods(asked)),)), by)
        operation = find(asked)
        writes = operation.right != READ
        _require(by, right_for(operation, asked), confluent, asked)
        check_sent(call.headers, body)
        await confluent.ready(by=by.name)
        response = _response(await operation.handler(confluent, asked), media)
        return Answered(response, by, None, writes)
    except ClientGone:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is becomes an error of the API's
        return Answered(refusal(error, media), by, error, writes)


def _require(by: Principal, right: Right, confluent: Confluent, asked: Asked) -> None:
    """See that the caller may do it to each of the groups that it is about."""
    if by.may(right):
        return
    for group in groups_of(confluent.index(), asked) or (None,):
        require(by, right, *(() if group is None else (group,)))


def refusal(error: Exception, media: bytes = V1) -> Response:
    """An error as the API answers it; what nobody foresaw is logged here, and not shown."""
    if isinstance(error, TooLarge):
        most = error.details.get("limit_bytes")
        error = too_large(f"the request's body is larger than {most} bytes (max_registry_bytes)")
    match error:
        case Refused(status=status, error_code=code, message=message):
            pass
        case Unavailable(message=message):
            status, code = 500, 50001
        case ChappeError(message=message) if status_of(error) != 500:
            status = status_of(error)
            code = _CODES.get(status, status)
        case _:
            _log.error("request failed", exc_info=error)
            status, code, message = 500, 50001, "the hub made a mistake; its log has the details"
    headers: tuple[Header, ...] = ((b"content-type", media),)
    if status == 401:
        headers = (*headers, (b"www-authenticate", b'Basic realm="chappe"'))
    if isinstance(error, NoSuchMethod):
        headers = (*headers, _allow(error.allow))
    return Response(status, encode_json({"error_code": code, "message": message}), headers)


def bearer(headers: Sequence[Header]) -> Sequence[Header]:
    """The headers with a password of HTTP Basic as the token that it is."""
    return [
        (name, _as_bearer(value)) if name == b"authorization" else (name, value)
        for name, value in headers
    ]


def _as_bearer(sent: bytes) -> bytes:
    scheme, _, credentials = sent.partition(b" ")
    if scheme.lower() != b"basic":
        return sent
    try:
        password = base64.b64decode(credentials.strip(b" "), validate=True).partition(b":")[2]
    except binascii.Error:
        return sent
    return b"Bearer " + password


def _allow(names: Sequence[str]) -> Header:
    return b"allow", ", ".join(names).encode("ascii")


def _response(value: Any, media: bytes) -> Response:
    if value is None:
        return Response(204)
    status = 200
    if isinstance(value, tuple):
        status, value = value
    body = value if isinstance(value, bytes) else encode_json(value)
    return Response(status, body, ((b"content-type", media),))


def _by_id(
    confluent: Confluent, sent: bytes, headers: Sequence[Header], media: bytes
) -> Response | None:
    """A schema of the default context by its id, which is the same for ever; None: the usual way."""
    if not sent.isdigit() or len(sent) > 9:
        return None
    index = confluent.index()
    if index.unnumbered:
        return None
    found = index.by_id(DEFAULT, int(sent))
    if not found:
        return None
    entry = found[0]
    tag = b'"%s"' % entry.guid.encode("ascii")
    own = ((b"content-type", media), (b"etag", tag), FOR_EVER)
    if find_header(headers, b"if-none-match") == tag:
        return Response(304, b"", own)
    return Response(200, _body(entry), own)


def _body(entry: Entry) -> bytes:
    if entry.body is None:
        entry.body = encode_json(id_body(entry))
    return entry.body

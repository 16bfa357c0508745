"""Validation on demand: would this event, or this payload, be let in?

    POST /validate                       an event in any mode, or a batch
    POST /validate?schema=/schemagroups/shop/schemas/order[/versions/2]      any payload
    POST /validate/schema?against=/schemagroups/shop/schemas/order           a schema that is to replace it

Nothing is stored. The answer is 200 whatever the verdict; 4xx tells that there was nothing to judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import InvalidBatch, InvalidEvent, Malformed, NotFound
from chappe.domain.event import Event
from chappe.flows.judge import Comparison, Evidence, Judgement
from chappe.formats.schema_language import Difference, Policy, Verdict, Violation
from chappe.http.exchange import Request, Response, json_response
from chappe.http.paging import newest
from chappe.http.parts import Parts

MOST_ERRORS: Final = 10
_POLICIES: Final[Mapping[str, Policy]] = {
    "strict": "STRICT",
    "lenient": "LENIENT",
    "semantic": "SEMANTIC",
}


async def validate(parts: Parts, request: Request) -> Response:
    """The verdict on what the request carries."""
    schema = request.query.get("schema")
    if schema is not None:
        return json_response(_payload(parts, request, schema))
    try:
        found = parts.limits.decode(request.headers, request.body)
    except InvalidEvent as error:
        return json_response(_invalid(error))
    except InvalidBatch as error:
        return json_response(_invalid_batch(error))
    if isinstance(found, Event):
        return json_response(_verdict(parts, found))
    verdicts = [_verdict(parts, event) for event in found]
    return json_response(
        {"valid": all(one["valid"] for one in verdicts), "events": verdicts},
    )


async def judge(parts: Parts, request: Request) -> Response:
    """May the schema at `against` become what the body holds? The answer, and the evidence for it."""
    query = request.query
    against = query.get("against")
    if against is None:
        raise Malformed("parameter against: is missing; it names the schema that is to change")
    policy = _POLICIES.get(query.get("policy", "strict").lower())
    if policy is None:
        raise Malformed(
            f"parameter policy: {query['policy']!r} is unknown; known: {', '.join(_POLICIES)}"
        )
    judgement = await parts.judge(
        request.body,
        _xid(against, "against"),
        policy=policy,
        type=query.get("type"),
        channel=query.get("channel", DEFAULT),
        last=newest(query),
    )
    present, *earlier = judgement.compared
    return json_response(
        {
            "against": against,
            "xid": present.xid,
            "format": judgement.format,
            "rule": judgement.rule.lower() or None,
            "policy": policy.lower(),
            "compatible": _compatible(judgement),
            "differences": _differences(present),
            "earlier": [{"xid": one.xid, "differences": _differences(one)} for one in earlier],
            "evidence": [_evidence(one) for one in judgement.evidence],
        }
    )


def _compatible(judgement: Judgement) -> dict[str, bool]:
    """By rule; what is transitive is about the earlier versions, too."""
    backward = [not one.backward for one in judgement.compared]
    forward = [not one.forward for one in judgement.compared]
    return {
        "backward": backward[0],
        "backward_transitive": all(backward),
        "forward": forward[0],
        "forward_transitive": all(forward),
        "full": backward[0] and forward[0],
        "full_transitive": all(backward) and all(forward),
    }


def _differences(one: Comparison) -> Mapping[str, object]:
    return {
        "backward": [_difference(each) for each in one.backward],
        "forward": [_difference(each) for each in one.forward],
    }


def _difference(one: Difference) -> Mapping[str, str]:
    shown = {"code": one.code, "path": one.path, "message": one.message}
    return {**shown, "fix": one.fix} if one.fix else shown


def _evidence(one: Evidence) -> Mapping[str, object]:
    return {
        "type": one.type,
        "events": one.looked_at,
        "invalid": one.misfits,
        "examples": [
            {
                "position": str(misfit.position),
                "source": misfit.source,
                "id": misfit.id,
                "errors": [violation.details() for violation in misfit.violations[:MOST_ERRORS]],
            }
            for misfit in one.examples
        ],
    }


def _xid(text: str, name: str) -> str:
    if not text.startswith("/"):
        raise Malformed(
            f"parameter {name}: {text!r} is no xid, such as /schemagroups/shop/schemas/order"
        )
    return text


def _payload(parts: Parts, request: Request, schema: str) -> Mapping[str, object]:
    check = parts.check.by_schema(_xid(schema, "schema"))
    if check is None:
        raise NotFound(f"schema {schema!r}: the registry has none there")
    content_type = request.header(b"content-type")
    text = None if content_type is None else content_type.decode("latin-1")
    violations = check(request.body, text)
    return {
        "valid": not violations,
        "schema": schema,
        "errors": [one.details() for one in violations],
    }


def _verdict(parts: Parts, event: Event) -> dict[str, object]:
    verdict = parts.check(event)
    shown: dict[str, object] = {"valid": True, "type": event.type}
    if verdict is None:
        declared = parts.check.is_declared(event.type)
        return {**shown, "declaration": None, "mode": "off" if declared else None, "errors": []}
    return {
        **shown,
        "valid": not verdict.violations,
        "declaration": verdict.declaration.path,
        "mode": verdict.mode,
        "errors": _errors(verdict),
    }


def _errors(verdict: Verdict) -> Sequence[Mapping[str, str]]:
    return [one.details() for one in verdict.violations]


def _invalid(error: InvalidEvent) -> dict[str, object]:
    """What breaks the CloudEvents specification itself."""
    details = error.details
    violation = Violation(
        "",
        str(details["attribute"]),
        str(details["value"]),
        f"{details['rule']} ({details['spec']})",
    )
    return {"valid": False, "type": None, "errors": [violation.details()]}


def _invalid_batch(error: InvalidBatch) -> dict[str, object]:
    return {
        "valid": False,
        "events": [
            {"index": index, **_invalid(one)}
            if isinstance(one, InvalidEvent)
            else {
                "index": index,
                "valid": False,
                "errors": [Violation("", one.code, "", one.message).details()],
            }
            for index, one in sorted(error.errors.items())
        ],
    }

"""`GET /events?redact`: samples as the policy of each type shows them."""

from __future__ import annotations

import json

from http_edge import running

MESSAGE = {
    "envelope": "CloudEvents/1.0",
    "envelopemetadata": {"type": {"value": "order.paid"}},
    "labels": {"chappe.redact": "/customer/email"},
    "dataschemaformat": "JsonSchema/draft-07",
    "dataschema": {"properties": {"pin": {"writeOnly": True}}},
    "validation": "warn",
}
DATA = {"customer": {"email": "a@b.example", "id": 7}, "pin": 1234, "total": 12.5}


async def test_a_sample_hides_what_the_type_says_and_tells_by_which_rule() -> None:
    async with running() as hub:
        path = "/messagegroups/shop/messages/order.paid"
        assert (await hub.ask("PUT", path, body=json.dumps(MESSAGE))).status == 201
        for type_ in ("order.paid", "order.free"):
            await hub.publish(ce_id=type_, ce_type=type_, body=json.dumps(DATA).encode())
        free, paid = (await hub.ask("GET", "/events?redact")).json
        assert paid["event"]["data"] == {
            "customer": {"email": "«redacted: label chappe.redact»", "id": 7},
            "pin": "«redacted: writeOnly»",
            "total": 12.5,
        }
        assert paid["redacted"] == [
            {"pointer": "/customer/email", "rule": "label chappe.redact"},
            {"pointer": "/pin", "rule": "writeOnly"},
        ]
        assert (free["event"]["data"], free["redacted"]) == (DATA, [])

        whole = (await hub.ask("GET", "/events?type=order.paid")).json[0]
        assert (whole["event"]["data"], "redacted" in whole) == (DATA, False)
        batch = {"accept": "application/cloudevents-batch+json"}
        shown = await hub.ask("GET", "/events?redact=true&type=order.paid", batch)
        assert "a@b.example" not in shown.body.decode()
        assert (await hub.ask("GET", "/events?redact=maybe")).status == 400

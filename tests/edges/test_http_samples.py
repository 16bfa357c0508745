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


async def test_what_a_type_hides_is_hidden_whether_its_payloads_are_checked_or_not() -> None:
    schema = {"properties": {"pin": {"writeOnly": True}}}
    async with running() as hub:
        inline = {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": "a.checked.by.nobody"}},
            "dataschemaformat": "JsonSchema/draft-07",
            "dataschema": schema,
        }
        named = {"dataschemaxid": "/schemagroups/shop/schemas/named"}
        of_an_endpoint = {
            "usage": ["producer"],
            "protocol": "HTTP",
            "messages": {"of.endpoint": {"labels": {"chappe.redact": "/pin"}}},
        }
        body = {"versions": {"1": {"format": "JsonSchema/draft-07", "schema": schema}}}
        messages = "/messagegroups/shop/messages"
        for path, made in (
            ("/schemagroups/shop/schemas/named$details", body),
            (f"{messages}/inline", inline),
            (f"{messages}/named", named),
            (f"{messages}/labelled", {"labels": {"chappe.redact": "/pin"}}),
            ("/messagegroups/more/messages/labelled", {"labels": {"chappe.redact": "/total"}}),
            ("/endpoints/till", of_an_endpoint),
        ):
            answer = await hub.ask("PUT", path, body=json.dumps(made))
            assert answer.status == 201, answer.body
        for type_ in ("a.checked.by.nobody", "named", "labelled", "of.endpoint", "free"):
            await hub.publish(ce_id=type_, ce_type=type_, body=json.dumps(DATA).encode())

        rows = (await hub.ask("GET", "/events?redact")).json

    assert {row["event"]["type"]: [x["pointer"] for x in row["redacted"]] for row in rows} == {
        "a.checked.by.nobody": ["/pin"],
        "named": ["/pin"],
        "labelled": ["/total", "/pin"],
        "of.endpoint": ["/pin"],
        "free": [],
    }

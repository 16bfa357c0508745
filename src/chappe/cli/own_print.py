"""How one object of the hub's own API is shown: a subscription, a source, a dead letter.

For a person its state, its plain members under each other, then what has members of its own as blocks:

billing  subscription, active

  sink         http://127.0.0.1:9000/
  concurrency  32

retry
  max_attempts: 12
"""

from __future__ import annotations

import json
from decimal import Decimal

from chappe.cli.registry_print import card
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session


def show(session: Session, body: bytes, *, name: str, kind: str, hint: str = "") -> None:
    """Print one object of the API; `name` is what -o name prints, `hint` what a person does next."""
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            session.say(one_line(body))
        case "name":
            session.say(printable(name))
        case _:
            found = json.loads(body, parse_float=Decimal)
            status = found.get("status")
            state = status.get("state") if isinstance(status, dict) else found.get("state")
            inner = {key: value for key, value in found.items() if _has_members(value)}
            plain = {key: value for key, value in found.items() if key not in inner}
            plain.pop("id", None)
            card(session, name, f"{kind}, {state}" if state else kind, plain, inner)
            if hint:
                session.hint(hint)


def _has_members(value: object) -> bool:
    if isinstance(value, list):
        return not all(isinstance(one, str) for one in value)
    return isinstance(value, dict)

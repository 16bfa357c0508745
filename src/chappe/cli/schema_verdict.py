"""The answer to "may I change this schema?" on a screen: the verdict first, then why, then what to do.

✗ BREAKING for 2 of 3 consumers (policy BACKWARD)
  /schemagroups/shop/schemas/order/versions/3 (JsonSchema/draft-07)
  breaking  /properties/total  TYPE_CHANGED: number became string   for billing, analytics
            fix: keep number, or allow both with anyOf
  risky     /properties/vat    …
  replay: 37 of 1,000 stored events of order.paid fail, e.g. A-1002 (0-41-0) at /total: the value is …
  consumers of order.paid: billing (subscribed), crm (declared, pins version 2)
  cure: keep number, or allow both with anyOf; or publish as order.paid.v2 (new type)
  → chappe schema add order.paid.v2 order.json
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chappe.cli.render import mark, printable
from chappe.cli.session import Session
from chappe.cli.type_roles import Party, who_takes
from chappe.client.catalogue import find
from chappe.client.hub_client import HubClient
from chappe.client.views import Changed, Judgement, Seen

RULES = (
    "backward",
    "forward",
    "full",
    "backward_transitive",
    "forward_transitive",
    "full_transitive",
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who takes a type; `pinned` is the version of the schema that the type stays with, or ""."""

    type: str
    parties: Sequence[Party]
    pinned: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change, and the version that it is told against: "" is the present one."""

    change: Changed
    version: str


async def reach(hub: HubClient, judgement: Judgement, channel: str) -> list[Reach]:
    """Who takes each type that the schema is for."""
    found = []
    for one in judgement.evidence:
        known = await find(hub, {"type": one.type, "channel": channel})
        pins = {each.schema.partition("/versions/")[2] for each in known.types}
        parties = await who_takes(hub, one.type, None, channel)
        found.append(Reach(one.type, parties, ", ".join(sorted(pins - {""}))))
    return found


def breaking(judgement: Judgement, kept: str) -> list[Told]:
    """The changes that the rule forbids."""
    direction, _, transitive = kept.partition("_")
    found = list(_of(judgement, direction, ""))
    if transitive:
        for one in judgement.earlier:
            version = one.xid.rpartition("/")[2]
            found += [Told(change, version) for change in _pick(one.differences, direction)]
    return list(dict.fromkeys(found))


def lines(
    judgement: Judgement, kept: str, reached: Sequence[Reach], file: str, session: Session
) -> Iterator[str]:
    """The screen, line by line."""
    forbidden = breaking(judgement, kept)
    misfits = sum(one.invalid for one in judgement.evidence)
    concerned = _affected(reached)
    yield _headline(judgement, kept, reached, misfits, session)
    yield printable(f"  {judgement.xid} ({judgement.format})")
    everybody = {party.name for one in reached for party in one.parties}
    whom = "all" if len(concerned) == len(everybody) else ", ".join(concerned)
    whom = f"   for {whom}" if concerned else ""
    for one in forbidden:
        yield from _change("breaking", one, whom)
    places = {one.change.path for one in forbidden}
    other = "forward" if kept.startswith("backward") else "backward"
    for one in dict.fromkeys(_of(judgement, other, "")):
        if not kept.startswith("full") and one.change.path not in places:
            yield from _change("risky", one, f"   ({other} alone)")
    for seen in judgement.evidence:
        yield _replayed(seen)
    for each in reached:
        yield printable(f"  consumers of {each.type}: {_named(each)}")
    verdicts = (
        f"{mark('✓', 'green', session) if judgement.compatible[rule] else mark('✗', 'red', session)} {rule}"
        for rule in RULES
        if judgement.earlier or "_" not in rule
    )
    yield f"  policies: {'  '.join(verdicts)}"
    is_fine = judgement.compatible[kept] and not misfits
    if not is_fine:
        fixes = [one.change.fix for one in forbidden if one.change.fix]
        ways = list(dict.fromkeys(fixes))[:1]
        if reached:
            ways.append(f"publish as {next_type(reached[0].type)} (new type)")
        if ways:
            yield printable(f"  cure: {'; or '.join(ways)}")
    if reached:
        type_ = reached[0].type if is_fine else next_type(reached[0].type)
        yield f"  {mark('→', 'cyan', session)} " + printable(f"chappe schema add {type_} {file}")


def next_type(type_: str) -> str:
    """The name after this one: order.paid -> order.paid.v2, order.paid.v2 -> order.paid.v3."""
    found = re.fullmatch(r"(.*\.v)(\d{1,6})", type_)
    return f"{type_}.v2" if found is None else f"{found[1]}{int(found[2]) + 1}"


def _headline(
    judgement: Judgement, kept: str, reached: Sequence[Reach], misfits: int, session: Session
) -> str:
    unsaid = "" if judgement.rule or kept != "backward" else ", as nobody has said another"
    policy = f"(policy {kept.upper()}{unsaid})"
    everybody = {party.name for one in reached for party in one.parties}
    consumers = f"{len(everybody)} consumer{'' if len(everybody) == 1 else 's'}"
    if judgement.compatible[kept] and not misfits:
        reads = f" for {consumers}" if everybody else ""
        return f"{mark('✓', 'green', session)} COMPATIBLE{reads} {policy}"
    whom = f" for {len(_affected(reached))} of {consumers}" if everybody else ""
    why = "" if not judgement.compatible[kept] else ": the policy holds, stored events fail"
    return f"{mark('✗', 'red', session)} BREAKING{whom} {policy}{why}"


def _affected(reached: Sequence[Reach]) -> list[str]:
    """Those who would meet the new schema: a type that is pinned to a version stays with that."""
    names = [party.name for one in reached if not one.pinned for party in one.parties]
    return list(dict.fromkeys(names))


def _named(one: Reach) -> str:
    pins = f", pins version {one.pinned}" if one.pinned else ""
    return ", ".join(f"{each.name} ({each.how}{pins})" for each in one.parties) or "nobody"


def _change(kind: str, one: Told, whom: str) -> Iterator[str]:
    change = one.change
    before = f"version {one.version}: " if one.version else ""
    path = change.path or "/"
    message = change.message.removeprefix(f"{change.path}: ")
    yield printable(f"  {kind:<8}  {before}{path}  {change.code}: {message}{whom}")
    if change.fix:
        yield printable(f"            fix: {change.fix}")


def _replayed(one: Seen) -> str:
    if not one.events:
        return printable(f"  replay: no event of {one.type} is stored")
    if not one.invalid:
        return printable(f"  replay: all of {one.events:,} stored events of {one.type} stay valid")
    said = f"  replay: {one.invalid:,} of {one.events:,} stored events of {one.type} fail"
    if one.examples and one.examples[0].errors:
        example, error = one.examples[0], one.examples[0].errors[0]
        value = f" ({error.value})" if error.value else ""
        where = f"{example.id} ({example.position}) at {error.pointer or '/'}"
        said += f", e.g. {where}: {error.message}{value}"
    return printable(said)


def _of(judgement: Judgement, direction: str, version: str) -> Iterator[Told]:
    for change in _pick(judgement.differences, direction):
        yield Told(change, version)


def _pick(differences: Mapping[str, Sequence[Changed]], direction: str) -> Iterator[Changed]:
    for one in ("backward", "forward") if direction == "full" else (direction,):
        yield from differences.get(one, ())

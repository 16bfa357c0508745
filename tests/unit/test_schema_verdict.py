"""The screen of `chappe schema check`: whom a change breaks, and what it says when it breaks nobody."""

from __future__ import annotations

from chappe.cli.schema_verdict import Reach, lines, next_type
from chappe.cli.session import Session
from chappe.cli.type_roles import Party
from chappe.client.views import Changed, Earlier, Example, Judgement, Seen, Warned

NARROWED = Changed(
    code="TYPE_NARROWED", path="/properties/total", message="/properties/total: x", fix="keep x"
)
MISFIT = Example(
    position="0-1-0", source="/s", id="A-1", errors=[Warned(pointer="/total", value="1.5", message="no integer")]
)  # fmt: skip


def judgement(*, backward: bool, invalid: int = 0, stored: int = 3) -> Judgement:
    rules = (
        "backward",
        "forward",
        "full",
        "backward_transitive",
        "forward_transitive",
        "full_transitive",
    )
    return Judgement(
        xid="/x", format="JsonSchema/draft-07", rule=None,
        compatible={rule: rule.startswith("forward") or backward for rule in rules},
        differences={"backward": [] if backward else [NARROWED], "forward": []},
        earlier=[Earlier(xid="/x/versions/1", differences={"backward": [NARROWED]})],
        evidence=[Seen(type="paid", events=stored, invalid=invalid, examples=[MISFIT] if invalid else [])],
    )  # fmt: skip


def reach(type_: str, *names: str, pinned: str = "") -> Reach:
    return Reach(type_, [Party(one, "subscribed", {}) for one in names], pinned)


def shown(one: Judgement, *reached: Reach, kept: str = "backward") -> list[str]:
    return list(lines(one, kept, reached, "new.json", Session()))


def test_a_type_that_is_pinned_to_a_version_stays_with_it() -> None:
    told = shown(judgement(backward=False), reach("paid", "a", "b"), reach("old", "c", pinned="2"))
    assert told[0].startswith("✗ BREAKING for 2 of 3 consumers (policy BACKWARD")
    assert told[2].endswith("   for a, b")
    assert "  consumers of old: c (subscribed, pins version 2)" in told


def test_stored_events_break_what_the_policy_lets_pass() -> None:
    told = shown(judgement(backward=True, invalid=1), reach("paid", "a"))
    assert told[0].endswith(": the policy holds, stored events fail")
    assert (
        "  replay: 1 of 3 stored events of paid fail, e.g. A-1 (0-1-0) at /total: no integer (1.5)"
        in told
    )
    assert told[-1] == "  → chappe schema add paid.v2 new.json"


def test_what_breaks_nobody_says_how_to_go_on() -> None:
    told = shown(judgement(backward=True), reach("paid", "a"))
    assert told[0].startswith("✓ COMPATIBLE for 1 consumer (policy BACKWARD")
    assert told[-1] == "  → chappe schema add paid new.json"
    assert not [line for line in told if "cure" in line]


def test_earlier_versions_count_for_transitive_policies_alone() -> None:
    assert "breaking" not in "".join(shown(judgement(backward=True)))
    told = shown(judgement(backward=True), kept="backward_transitive")
    assert "  breaking  version 1: /properties/total  TYPE_NARROWED: x" in told


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    told = shown(judgement(backward=True, stored=0))
    assert told[0] == "✓ COMPATIBLE (policy BACKWARD, as nobody has said another)"
    assert "  replay: no event of paid is stored" in told


def test_the_next_type_counts_on() -> None:
    assert [next_type(one) for one in ("a", "a.v2", "a.v9")] == ["a.v2", "a.v3", "a.v10"]

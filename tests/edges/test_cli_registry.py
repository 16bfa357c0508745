"""The registry by the command line: processes against a real hub, started by `chappe dev`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_process import Cli, chappe, name, schemas, shop

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe", "name"]  # fixtures


def test_a_tree_is_made_and_a_second_time_left_alone(chappe: Cli, name: str) -> None:
    tree = shop(name, paid={"description": "d"}, sent={})
    made = chappe.apply(tree)
    before = chappe.body(f"/messagegroups/{name}?inline=*")
    again = chappe.apply(tree)

    root = f"/messagegroups/{name}"
    expected = [root, f"{root}/messages/paid", f"{root}/messages/sent"]
    assert made.code == 0, made.err
    assert made.actions() == dict.fromkeys(expected, "created")
    assert again.actions() == dict.fromkeys(expected, "unchanged")
    assert chappe.body(f"/messagegroups/{name}?inline=*") == before


def test_only_what_a_file_changes_gets_another_epoch(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={"description": "d"}, sent={"description": "e"}))
    changed = chappe.apply(shop(name, paid={"description": "f"}, sent={"description": "e"}))
    found = json.loads(chappe.body(f"/messagegroups/{name}?inline=messages"))

    assert sorted(changed.actions().values()) == ["unchanged", "unchanged", "updated"]
    assert (found["epoch"], found["messages"]["sent"]["epoch"]) == (1, 1)
    assert found["messages"]["paid"]["epoch"] == 2
    assert found["messages"]["paid"]["description"] == "f"


def test_what_a_document_does_not_say_of_an_entity_any_more_goes(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={"description": "d", "labels": {"a": "b"}}))
    chappe.apply(shop(name, paid={"labels": {"a": "b"}}))

    found = json.loads(chappe.body(f"/messagegroups/{name}/messages/paid"))
    assert ("description" in found, found["labels"]) == (False, {"a": "b"})


def test_the_hub_s_defaults_are_no_change(chappe: Cli, name: str) -> None:
    message = {"envelope": "CloudEvents/1.0", "envelopemetadata": {"type": {"value": "t"}}}
    chappe.apply(shop(name, paid=message))
    again = chappe.apply(shop(name, paid=message))
    differs = chappe("diff", "-f", "-", stdin=json.dumps(shop(name, paid=message)))

    assert set(again.actions().values()) == {"unchanged"}
    assert (differs.code, differs.out) == (0, "")


def test_a_group_that_stands_in_an_xid_only_keeps_what_it_has(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={}))
    xid = f"/messagegroups/{name}/messages/sent"
    done = chappe.apply({"xid": xid, "description": "d"})
    group = json.loads(chappe.body(f"/messagegroups/{name}"))

    assert done.actions() == {xid: "created"}
    assert (group["description"], group["messagescount"]) == (f"group {name}", 2)


def test_a_version_by_its_xid_leaves_the_default_version_alone(chappe: Cli, name: str) -> None:
    chappe.apply(schemas(name, {"type": "object"}, {"type": "array"}))
    path = f"/schemagroups/{name}/schemas/order"
    done = chappe.apply(
        {"xid": f"{path}/versions/1", "format": "JsonSchema/draft-07", "name": "first"}
    )
    default = json.loads(chappe.body(f"{path}$details?inline=schema"))

    assert done.code == 0, done.err
    assert done.actions()[f"{path}/versions/1"] == "updated"
    assert (default["versionid"], default["schema"]) == ("2", {"type": "array"})


def test_nothing_is_done_when_one_entity_is_refused(chappe: Cli, name: str) -> None:
    refused = chappe.apply(shop(name, paid={}, sent={"labels": "no map"}))

    assert (refused.code, refused.out) == (1, "")
    problem = json.loads(refused.err)
    assert problem["code"] == "invalid_attribute"
    assert problem["subject"].startswith(f"/messagegroups/{name}")
    assert chappe("registry", "get", f"/messagegroups/{name}").code == 3


def test_a_dry_run_says_it_and_does_nothing(chappe: Cli, name: str) -> None:
    told = chappe.apply(shop(name, paid={}), options=("--dry-run",))

    assert told.actions()[f"/messagegroups/{name}/messages/paid"] == "created"
    assert "nothing was written" not in told.out
    assert chappe("registry", "get", f"/messagegroups/{name}").code == 3


def test_pruning_deletes_what_the_files_do_not_name(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={}, gone={}))
    tree = shop(name, paid={})
    kept = chappe.apply(tree)
    asked = chappe.apply(tree, options=("--prune",))
    pruned = chappe.apply(tree, options=("--prune", "--yes"))

    gone = f"/messagegroups/{name}/messages/gone"
    assert gone not in kept.actions()
    assert (asked.code, "--yes" in asked.err, gone in asked.err) == (2, True, True)
    assert pruned.actions()[gone] == "deleted"
    left = json.loads(chappe.body(f"/messagegroups/{name}/messages"))
    assert list(left) == ["paid"]


def test_pruning_deletes_versions_that_are_not_listed(chappe: Cli, name: str) -> None:
    chappe.apply(schemas(name, {"type": "object"}, {"type": "array"}))
    pruned = chappe.apply(schemas(name, {"type": "object"}), options=("--prune", "--yes"))

    version = f"/schemagroups/{name}/schemas/order/versions/2"
    assert pruned.actions()[version] == "deleted"
    found = json.loads(chappe.body(f"/schemagroups/{name}/schemas/order$details"))
    assert (found["versionid"], found["versionscount"]) == ("1", 1)


def test_a_diff_shows_old_and_new_and_ends_with_1(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={"description": "old", "labels": {"a": "1"}}))
    tree = shop(name, paid={"description": "new", "name": "n"}, made={})
    differs = chappe("diff", "-f", "-", stdin=json.dumps(tree))
    root = f"/messagegroups/{name}/messages"

    assert differs.code == 1, differs.err
    assert differs.lines[0].startswith("--- the hub at http://")
    assert f"~ {root}/paid" in differs.lines
    assert f"+ {root}/made" in differs.lines
    assert '    description  "old" -> "new"' in differs.lines
    assert '  + name         "n"' in differs.lines
    assert any(line.startswith("  - labels") for line in differs.lines)
    assert differs.err.strip() == "1 added, 1 changed"


def test_a_diff_that_the_hub_refuses_ends_with_2(chappe: Cli, name: str) -> None:
    refused = chappe("diff", "-f", "-", stdin=json.dumps(shop(name, paid={"labels": 7})))

    assert (refused.code, refused.out) == (2, "")
    assert "labels" in refused.err


def test_deleting_what_a_file_names_ends_empty_groups_too(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={}, sent={}))
    one = json.dumps(shop(name, paid={}))
    asked = chappe("delete", "-f", "-", stdin=one)
    part = chappe("delete", "-f", "-", "--yes", "-o", "name", stdin=one)
    rest = chappe("delete", "-f", "-", "--yes", "-o", "name", stdin=json.dumps(shop(name, sent={})))

    root = f"/messagegroups/{name}"
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert part.lines == [f"{root}/messages/paid"]
    assert f"{root} stays" in part.err
    assert rest.lines == [f"{root}/messages/sent", root]
    assert chappe("registry", "get", root).code == 3


def test_an_export_is_the_same_as_the_hub_and_imports_without_a_change(
    chappe: Cli, name: str, tmp_path: Path
) -> None:
    chappe.apply(shop(name, paid={"description": "d"}), schemas(name, {"type": "object"}))
    for form in ("json", "yaml"):
        file = str(tmp_path / f"hub.cereg.{form}")
        exported = chappe("registry", "export", "-f", file)
        same = chappe("registry", "diff", file)
        imported = chappe("registry", "import", file, "-o", "json")

        assert (exported.code, exported.out) == (0, "")
        assert (same.code, same.out) == (0, ""), same.err
        assert set(imported.actions().values()) == {"unchanged"}, imported.err
    assert chappe("registry", "diff", *[str(one) for one in tmp_path.iterdir()]).code == 0


def test_a_part_is_exported_and_applied_elsewhere(chappe: Cli, name: str, tmp_path: Path) -> None:
    chappe.apply(shop(name, paid={"description": "d"}))
    part = chappe("registry", "export", f"/messagegroups/{name}", "--format", "yaml")
    chappe("delete", "-f", "-", "--yes", stdin=part.out)
    gone = chappe("registry", "get", f"/messagegroups/{name}")
    back = chappe("apply", "-f", "-", "-o", "json", stdin=part.out)

    assert gone.code == 3
    assert back.actions()[f"/messagegroups/{name}/messages/paid"] == "created"


def test_old_epochs_are_a_conflict_when_they_are_to_count(
    chappe: Cli, name: str, tmp_path: Path
) -> None:
    chappe.apply(shop(name, paid={"description": "d"}))
    file = tmp_path / "old.json"
    chappe("registry", "export", f"/messagegroups/{name}", "-f", str(file))
    chappe.apply(shop(name, paid={"description": "e"}))
    conflict = chappe("registry", "import", str(file), "--keep-epochs")
    taken = chappe("registry", "import", str(file), "-o", "json")

    assert conflict.code == 5, conflict.err
    assert taken.actions()[f"/messagegroups/{name}/messages/paid"] == "updated"


def test_two_files_are_compared_without_a_hub(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.yaml"
    old.write_text(json.dumps(shop("s", paid={"description": "a"})))
    new.write_text("messagegroups: {s: {description: group s, messages: {paid: {name: b}}}}")
    done = subprocess.run(
        [sys.executable, "-m", "chappe", "--url", "http://127.0.0.1:1", "registry", "diff",
         str(old), str(new), "-o", "jsonl"],
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "xid": "/messagegroups/s/messages/paid",
        "change": "changed",
        "attributes": [
            {"name": "description", "before": "a"},
            {"name": "name", "after": "b"},
        ],
    }


def test_anything_is_read_by_its_path_byte_for_byte(chappe: Cli, name: str) -> None:
    chappe.apply(schemas(name, {"type": "object"}))
    path = f"/schemagroups/{name}/schemas/order"

    for target in ("/model", f"{path}$details", f"/schemagroups/{name}"):
        got = chappe("registry", "get", target, "-o", "xregistry")
        assert got.out.encode() == chappe.body(target)
    assert chappe("registry", "get", path).out.encode() == chappe.body(path)


def test_types_are_listed_by_group_label_and_filter(chappe: Cli, name: str) -> None:
    chappe.apply(
        shop(name, paid={"labels": {"stage": "prod", "a.b": "c"}}, sent={"description": "It, sent"})
    )
    root = f"/messagegroups/{name}/messages"

    group = ["--group", name, "-o", "name"]
    assert chappe("type", "ls", *group).lines == [f"{root}/paid", f"{root}/sent"]
    assert chappe("type", "ls", *group, "--label", "stage=prod").lines == [f"{root}/paid"]
    assert chappe("type", "ls", *group, "--label", "a.b").lines == [f"{root}/paid"]
    assert chappe("type", "ls", *group, "--filter", "description=*sent*").lines == [f"{root}/sent"]
    assert chappe("type", "ls", *group, "--label", "stage=none").lines == []
    both = chappe("type", "ls", "--group", name, "-o", "json").json
    assert [one["messageid"] for one in both] == ["paid", "sent"]


def test_a_type_is_shown_with_its_schema_and_with_who_sends_it(chappe: Cli, name: str) -> None:
    message = {
        "description": "An order was paid",
        "dataschemaformat": "JsonSchema/draft-07",
        "dataschema": {"type": "object"},
    }
    ends = [
        {"xid": f"/endpoints/{name}-{role}", "usage": [role],
         "messagegroups": [f"/messagegroups/{name}"]}
        for role in ("consumer", "producer")
    ]  # fmt: skip
    assert chappe.apply(shop(name, **{f"t-{name}": message}), *ends).code == 0
    shown = chappe("type", "get", f"t-{name}")
    as_json = chappe("type", "get", f"t-{name}", "-o", "json")

    assert shown.code == 0, shown.err
    words = {line.split()[0]: line.split()[1:] for line in shown.lines if len(line.split()) > 1}
    assert words["producers"] == [f"{name}-consumer"]
    assert words["consumers"] == [f"{name}-producer"]
    assert '    "type": "object"' in shown.lines
    xid = f"/messagegroups/{name}/messages/t-{name}"
    assert as_json.out.encode() == chappe.body(xid)


def test_a_name_that_several_groups_have_is_ambiguous_without_the_group(
    chappe: Cli, name: str
) -> None:
    chappe.apply(shop(f"{name}a", **{name: {}}), shop(f"{name}b", **{name: {}}))
    several = chappe("type", "get", name)
    one = chappe("type", "get", name, "--group", f"{name}a", "-o", "name")

    assert several.code == 5
    assert f"/messagegroups/{name}b/messages/{name}" in several.err
    assert one.out.strip() == f"/messagegroups/{name}a/messages/{name}"


def test_a_name_that_is_nearly_right_is_told(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, **{f"{name}.paid": {}}))
    missing = chappe("type", "get", f"{name}.piad")

    assert missing.code == 3
    assert f"did you mean '{name}.paid'" in missing.err


def test_producers_are_those_whose_endpoints_others_take_events_from(
    chappe: Cli, name: str
) -> None:
    for usage in ("consumer", "producer", "subscriber"):
        chappe.apply({"xid": f"/endpoints/{name}-{usage}", "usage": [usage],
                      "messagegroups": [f"/messagegroups/{name}"]})  # fmt: skip
    producers = chappe("producer", "ls", "--group", name, "-o", "name")
    endpoints = chappe("endpoint", "ls", "--group", name, "-o", "name")
    senders = chappe("endpoint", "ls", "--group", name, "--usage", "producer", "-o", "name")

    root = f"/endpoints/{name}"
    assert producers.lines == [f"{root}-consumer", f"{root}-subscriber"]
    assert len(endpoints.lines) == 3
    assert senders.lines == [f"{root}-producer"]
    assert chappe("producer", "get", f"{name}-consumer", "-o", "json").json["usage"] == ["consumer"]


def test_a_schema_s_document_is_printed_byte_for_byte(chappe: Cli, name: str) -> None:
    chappe.apply(schemas(name, {"type": "object"}, {"type": "array"}))
    path = f"/schemagroups/{name}/schemas/order"
    get = ["schema", "get", "order", "--group", name]

    assert chappe(*get, "--document").out.encode() == chappe.body(path)
    first = chappe(*get, "--document", "--version", "1")
    assert first.out.encode() == chappe.body(f"{path}/versions/1")
    assert chappe(*get, "-o", "json").json["versionid"] == "2"
    assert path in chappe("schema", "ls", "-o", "name").lines


def test_words_find_what_has_all_of_them(chappe: Cli, name: str) -> None:
    chappe.apply(shop(name, paid={"description": f"An order x{name} was paid"}, sent={}))
    found = chappe("find", f"X{name}", "order", "-o", "json")
    table = chappe("find", f"x{name}")
    by_kind = chappe("find", name, "--kind", "group", "-o", "name")

    assert [(one["kind"], one["messageid"]) for one in found.json] == [("type", "paid")]
    assert table.lines[0].split() == ["KIND", "ID", "WHERE", "DESCRIPTION"]
    assert table.lines[1].split()[:3] == ["type", "paid", f"/messagegroups/{name}/messages"]
    assert by_kind.lines == [f"/messagegroups/{name}"]


def test_finding_nothing_is_a_clear_no(chappe: Cli, name: str) -> None:
    nothing = chappe("find", name)

    assert (nothing.code, nothing.out) == (1, "")
    assert name in nothing.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["apply", "-f", "-"], "no document"),
        (["apply", "-f", "missing.yaml"], "missing.yaml"),
        (["type", "ls", "--label", "a=b,c"], "comma"),
        (["type", "ls", "-o", "csv"], "-o"),
        (["-o", "xregistry", "event", "ls"], "-o xregistry"),
    ],
)
def test_wrong_usage_of_the_registry_s_commands_ends_with_2(
    chappe: Cli, arguments: list[str], told: str
) -> None:
    refused = chappe(*arguments)

    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err


def test_a_mistyped_collection_is_told_before_anything_is_sent(chappe: Cli) -> None:
    refused = chappe("apply", "-f", "-", stdin='{"messagegroup": {"shop": {}}}')

    assert refused.code == 2
    assert "did you mean 'messagegroups'" in refused.err


def test_sources_that_were_seen_are_listed_with_their_undeclared_types(
    chappe: Cli, name: str
) -> None:
    declared, unknown = f"{name}.known", f"{name}.unknown"
    chappe.apply(shop(name, **{declared: {}}))
    for type_ in (declared, unknown):
        assert chappe("event", "send", "--type", type_, "--source", f"/{name}").code == 0
    found = chappe("producer", "ls", "-o", "json").json
    table = chappe("producer", "ls")
    shown = chappe("type", "get", declared)

    (seen,) = [one for one in found if one.get("source") == f"/{name}"]
    assert (seen["types"], seen["undeclared"]) == ([declared, unknown], [unknown])
    (row,) = [line for line in table.lines if line.startswith(f"/{name}")]
    assert row.endswith(f"{declared}, !{unknown}")
    assert any(line.split()[:2] == ["seen", "1"] for line in shown.lines)
    by_group = chappe("producer", "ls", "--group", name, "-o", "name")
    assert by_group.lines == [f"/{name}"]


def test_what_a_hub_makes_for_itself_is_no_part_of_an_import(chappe: Cli, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    export = json.loads(chappe("registry", "export").out)
    for endpoint in export["endpoints"].values():
        endpoint["description"] = "of another hub"
    file.write_text(json.dumps({"endpoints": export["endpoints"], "channels": export["channels"]}))
    own = {xid for xid, one in _entities(export) if one.get("labels", {}).get("chappe") == "self"}
    done = chappe("registry", "import", str(file), "--dry-run", "-o", "name")

    assert own
    assert own.isdisjoint(done.lines)


def _entities(export: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for plural in ("channels", "endpoints"):
        for id_, one in export[plural].items():
            yield f"/{plural}/{id_}", one


# Validation on demand


def test_events_are_judged_without_being_stored(chappe: Cli, name: str) -> None:
    order = {"type": "object", "required": ["total"]}
    chappe.apply(schemas(name, order))
    message = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": name}},
        "dataschemaxid": f"/schemagroups/{name}/schemas/order",
        "validation": "enforce",
    }
    chappe.apply(shop(name, paid=message))
    good = {"specversion": "1.0", "id": "1", "source": "/s", "type": name, "data": {"total": 1}}
    ran = chappe("event", "validate", "-", stdin=json.dumps(good))
    assert (ran.code, ran.lines) == (
        0,
        [f"✓ event 1 ({name}): valid against /messagegroups/{name}/messages/paid"],
    )
    both = json.dumps(good) + "\n" + json.dumps({**good, "data": {}})
    ran = chappe("event", "validate", "-", stdin=both)
    assert ran.code == 1
    assert (
        ran.lines[1] == f"✗ event 2 ({name}): not valid against /messagegroups/{name}/messages/paid"
    )
    assert ran.lines[2].startswith("    2:")
    assert "  /  required: " in ran.lines[2]
    assert chappe("event", "ls", "--type", name, "-o", "jsonl").out == ""


def test_a_payload_is_judged_by_a_schema(chappe: Cli, name: str) -> None:
    chappe.apply(schemas(name, {"type": "object", "required": ["total"]}))
    xid = f"/schemagroups/{name}/schemas/order"
    ran = chappe("event", "validate", "-", "--schema", xid, stdin='{"total": 1}')
    assert (ran.code, ran.lines) == (0, [f"✓ payload 1: valid against {xid}"])
    ran = chappe("event", "validate", "-", "--schema", xid, "-o", "json", stdin="{}")
    assert (ran.code, ran.json["errors"][0]["rule"]) == (1, "required")
    ran = chappe("event", "validate", "-", "--schema", f"{xid}x", stdin="{}")
    assert ran.code not in (0, 1)
    assert "the registry has none there" in ran.err


def test_a_change_of_a_schema_is_judged_before_it_is_made(chappe: Cli, name: str) -> None:
    old = {"type": "object", "properties": {"total": {"type": "number"}}}
    chappe.apply(schemas(name, old))
    xid = f"/schemagroups/{name}/schemas/order"
    new = {"type": "object", "properties": {"total": {"type": "integer"}}}
    ran = chappe("schema", "check", "-", "--against", xid, stdin=json.dumps(new))
    assert ran.code == 1, ran.err
    assert ran.lines[:2] == [
        "✗ BREAKING (policy BACKWARD, as nobody has said another)",
        f"  {xid}/versions/1 (JsonSchema/draft-07)",
    ]
    assert ran.lines[2].startswith("  breaking  /properties/total  TYPE_NARROWED: ")
    assert "  policies: ✗ backward  ✓ forward  ✗ full" in ran.lines
    forward = ("--against", xid, "--rule", "forward")
    ran = chappe("schema", "check", "-", *forward, stdin=json.dumps(new))
    assert (ran.code, ran.lines[0]) == (0, "✓ COMPATIBLE (policy FORWARD)")


def test_a_change_is_judged_by_the_rule_of_the_schema_and_its_earlier_versions(
    chappe: Cli, name: str
) -> None:
    text, number = ({"properties": {"total": {"type": one}}} for one in ("string", "number"))
    tree = schemas(name, text, {})
    tree["schemagroups"][name]["schemas"]["order"]["meta"] = {"compatibility": "backward"}
    assert chappe.apply(tree).code == 0
    (chappe.home / "order.v3.json").write_text(json.dumps(text), "utf-8")
    ran = chappe("schema", "check", "order.v3.json", "--group", name)
    assert ran.code == 1, ran.err
    assert ran.lines[0] == "✗ BREAKING (policy BACKWARD)"
    (chappe.home / "order.schema.json").write_text(json.dumps({"title": "Order"}), "utf-8")
    asked = ("schema", "check", "order.schema.json", "--group", name)
    ran = chappe(*asked, "--rule", "forward_transitive")
    assert ran.code == 1, ran.err
    assert ran.lines[0] == "✗ BREAKING (policy FORWARD_TRANSITIVE)"
    assert ran.lines[2].startswith("  breaking  version 1: /  TYPE_CHANGED: ")
    assert chappe(*asked).code == 0
    (chappe.home / "other.json").write_text(json.dumps(number), "utf-8")
    ran = chappe("schema", "check", "other.json", "--group", name)
    assert ran.code not in (0, 1)
    assert "schema 'other': there is none" in ran.err
    ran = chappe("schema", "check", "-", stdin="{}")
    assert ran.code not in (0, 1)
    assert "--against" in ran.err
